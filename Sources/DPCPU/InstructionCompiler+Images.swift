internal import CDPKernels
internal import DPGraph

// MARK: - Images

extension InstructionCompiler {
    /// Returns the instructions of an operation on images that is not a product.
    func images(_ operation: TensorOperation, _ step: Step, to result: Value) throws -> [Plan.Instruction] {
        let threads = threads
        let inputs = step.inputs.map(raw)
        let out = raw(result)
        let (x, y) = (shape(step.inputs[0]), shape(result))
        let format = precision(step.inputs[0]).format
        func instruction(_ name: String, _ run: @escaping () -> Void) -> [Plan.Instruction] {
            [Plan.Instruction(name: name, run: run)]
        }

        switch operation {
        case .relu:
            return instruction("relu") { ck_relu(inputs[0], nil, out, y.count, format, threads) }
        case .reluGradient:
            return instruction("relu gradient") {
                ck_relu_gradient(inputs[0], inputs[1], out, y.count, format, threads)
            }

        case .maxPooling2D(let geometry):
            let pool = ck_max_pool(geometry, image: x, windows: y, format, inputs[0], out: out)
            return instruction("max pooling") { withUnsafePointer(to: pool) { ck_max_pool_forward($0, threads) } }
        case .maxPooling2DGradient(let geometry):
            let pool = ck_max_pool(geometry, image: x, windows: shape(step.inputs[1]), format, inputs[0], out: nil)
            let scratch = try AlignedMemory(byteCount: withUnsafePointer(to: pool) { ck_max_pool_scratch($0, threads) })
            let gradient = ck_max_pool_gradient(
                pool: pool, dy: inputs[1], dx: out, scratch: scratch.start.assumingMemoryBound(to: UInt8.self))
            return [
                Plan.Instruction(name: "max pooling gradient", keeps: [scratch]) {
                    withUnsafePointer(to: gradient) { ck_max_pool_backward($0, threads) }
                }
            ]

        case .spatialSoftmax:
            let softmax = ck_spatial_softmax(of: x, format, inputs[0], out: pointer(result))
            return instruction("spatial softmax") {
                withUnsafePointer(to: softmax) { ck_spatial_softmax_forward($0, threads) }
            }
        case .spatialSoftmaxGradient:
            let gradient = ck_spatial_softmax_gradient(
                softmax: ck_spatial_softmax(of: x, format, inputs[0], out: nil), dy: pointer(step.inputs[1]), dx: out)
            return instruction("spatial softmax gradient") {
                withUnsafePointer(to: gradient) { ck_spatial_softmax_backward($0, threads) }
            }

        default:
            preconditionFailure("\(operation) is not an operation on images")
        }
    }
}

extension ck_spatial_softmax {
    fileprivate init(
        of x: Shape, _ format: ck_format, _ source: UnsafeRawPointer, out: UnsafeMutablePointer<Float>?
    ) {
        self.init(batch: x[0], height: x[1], width: x[2], channels: x[3], format: format, x: source, out: out)
    }
}

extension ck_max_pool {
    fileprivate init(
        _ geometry: Convolution2D, image: Shape, windows: Shape, _ format: ck_format, _ source: UnsafeRawPointer,
        out: UnsafeMutableRawPointer?
    ) {
        let (height, width) = (geometry.height, geometry.width)
        self.init(
            batch: image[0], channels: image[3], extent: (image[1], image[2]), windows: (windows[1], windows[2]),
            kernel: (height.kernel, width.kernel), stride: (height.stride, width.stride),
            padding: (height.padding, width.padding), format: format, x: source, out: out)
    }
}
