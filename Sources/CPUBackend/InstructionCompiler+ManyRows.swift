internal import CKernels
internal import TensorGraph

// MARK: - Products with many rows

extension InstructionCompiler {
    /// A product of many rows with weights that are a parameter, by our kernel; nil if it is another or the processor lacks the instructions.
    ///
    /// Measured against the library on one thread of a Zen 5, it is as fast for few channels and long sequences (250 GFLOP/s in float32 and 490 in
    /// bfloat16, of 264 and 530), and up to five times as fast for 256 channels and more at short sequences, where the library forgets that most of
    /// a window is padding.
    mutating func manyRows(_ operation: Operation, _ step: Step, to result: Value) throws -> [Plan.Instruction]? {
        let x = step.inputs[0]
        let (from, to) = (shape(x), shape(result))
        guard let weight = step.inputs.dropFirst().first, let offset = storage.parameterOffset(of: weight),
            ck_has_many_rows(precision(x).format, from.last) != 0,
            let (geometry, strides, isTransposed) = windows(of: operation, weight: shape(weight))
        else { return nil }
        let panels = Panels(
            outputs: to.last, inputs: from.last, taps: geometry.kernel, strides: strides, format: precision(x).format,
            isPaired: precision(x) == .bfloat16)
        let packed = try parameters.packed(offset: offset, as: .panels(panels), oneDNN: oneDNN, threads: threads)
        packedWeights.append(packed)
        // Without neighbours each time is an item of its own.
        let isPointwise = geometry == Convolution1D(kernel: 1)
        let product = ck_many_rows(
            panels: panels.description, weights: packed.memory.start,
            bias: step.inputs.count == 3 ? pointer(step.inputs[2]) : nil, x: raw(x), out: raw(result),
            out_format: precision(result).format, batch: isPointwise ? to.count / to.last : to[0],
            x_times: isPointwise ? 1 : from[1], out_times: isPointwise ? 1 : to[1], stride: geometry.stride,
            padding: geometry.padding, is_transposed: isTransposed ? 1 : 0)
        let threads = threads
        return [
            Plan.Instruction(name: operation.productName, keeps: [packed]) {
                withUnsafePointer(to: product) { ck_multiply_many_rows($0, threads) }
            }
        ]
    }

    /// The windows of a product, with one tap for a linear layer, and the distances between neighbouring outputs, inputs and taps in its weight.
    private func windows(
        of operation: Operation, weight: Shape
    ) -> (geometry: Convolution1D, strides: [Int], isTransposed: Bool)? {
        switch operation {
        case .linear: (Convolution1D(kernel: 1), [weight[1], 1, 0], false)
        case .linearInputGradient: (Convolution1D(kernel: 1), [1, weight[1], 0], false)
        case .convolution1D(let geometry): (geometry, [weight[1] * weight[2], weight[2], 1], false)
        case .transposedConvolution1D(let geometry, _): (geometry, [weight[2], weight[1] * weight[2], 1], true)
        default: nil
        }
    }
}
