internal import CKernels
internal import TensorGraph

// MARK: - Images

extension InstructionCompiler {
    /// The instructions of an operation on images that is no product, in float32.
    func images(_ operation: Operation, _ step: Step, _ out: Pointer) throws -> [Plan.Instruction] {
        let threads = threads
        let inputs = step.inputs.map(pointer)
        let (x, y) = (shape(step.inputs[0]), step.results[0].map(shape) ?? [])
        func instruction(_ name: String, _ run: @escaping () -> Void) -> [Plan.Instruction] {
            [Plan.Instruction(name: name, run: run)]
        }

        switch operation {
        case .relu:
            return instruction("relu") { ck_relu(inputs[0], nil, out, y.count, ck_float32, threads) }
        case .reluGradient:
            return instruction("relu gradient") {
                ck_relu_gradient(inputs[0], inputs[1], out, y.count, ck_float32, threads)
            }

        case .maxPooling2D(let geometry):
            let pool = geometry.pool(image: x, windows: y, inputs[0], out: out)
            return instruction("max pooling") { withUnsafePointer(to: pool) { ck_max_pool_forward($0, threads) } }
        case .maxPooling2DGradient(let geometry):
            let pool = geometry.pool(image: x, windows: shape(step.inputs[1]), inputs[0], out: nil)
            let scratch = try AlignedMemory(byteCount: withUnsafePointer(to: pool) { ck_max_pool_scratch($0, threads) })
            let gradient = ck_max_pool_gradient(
                pool: pool, dy: inputs[1], dx: out, scratch: scratch.start.assumingMemoryBound(to: UInt8.self))
            return [
                Plan.Instruction(name: "max pooling gradient", keeps: [scratch]) {
                    withUnsafePointer(to: gradient) { ck_max_pool_backward($0, threads) }
                }
            ]

        case .spatialSoftmax:
            let softmax = spatialSoftmax(of: x, inputs[0], out: out)
            return instruction("spatial softmax") {
                withUnsafePointer(to: softmax) { ck_spatial_softmax_forward($0, threads) }
            }
        case .spatialSoftmaxGradient:
            let gradient = ck_spatial_softmax_gradient(
                softmax: spatialSoftmax(of: x, inputs[0], out: nil), dy: inputs[1], dx: out)
            return instruction("spatial softmax gradient") {
                withUnsafePointer(to: gradient) { ck_spatial_softmax_backward($0, threads) }
            }

        default:
            preconditionFailure("\(operation) is no operation on images")
        }
    }

    private func spatialSoftmax(of x: Shape, _ source: Pointer, out: Pointer?) -> ck_spatial_softmax {
        ck_spatial_softmax(
            batch: x[0], height: x[1], width: x[2], channels: x[3], format: ck_float32, x: source, out: out)
    }
}

extension Convolution2D {
    /// Max pooling of this geometry.
    fileprivate func pool(
        image: Shape, windows: Shape, _ source: UnsafeMutablePointer<Float>, out: UnsafeMutablePointer<Float>?
    ) -> ck_max_pool {
        ck_max_pool(
            batch: image[0], channels: image[3], extent: (image[1], image[2]), windows: (windows[1], windows[2]),
            kernel: (height.kernel, width.kernel), stride: (height.stride, width.stride),
            padding: (height.padding, width.padding), format: ck_float32, x: source, out: out)
    }
}
