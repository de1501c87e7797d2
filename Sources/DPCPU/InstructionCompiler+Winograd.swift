internal import CDPKernels
internal import DPGraph

// MARK: - Winograd convolution

extension InstructionCompiler {
    /// Computes a convolution with 3 × 3 windows, or its transpose, by Winograd's algorithm.
    ///
    /// Returns nil if the product has another form or the processor lacks the instructions.
    ///
    /// Only in float32: the sums and differences of the pixels do not fit into bfloat16.
    mutating func winograd(
        _ rows: BlockedGEMM, _ operation: TensorOperation, _ step: Step, to result: Value, weightOffset: Int
    ) throws -> [Plan.Instruction]? {
        let x = step.inputs[0]
        var convolution = rows.convolution
        guard precision(x) == .float32, precision(result) == .float32, ck_has_winograd(&convolution) != 0 else {
            return nil
        }
        let panels = Panels(
            outputs: shape(result).last, inputs: shape(x).last, taps: Int(ck_winograd_points),
            strides: Array(rows.strides.prefix(2)), format: ck_float32, isPaired: false)
        let packed = try parameters.packed(
            offset: weightOffset, as: .winograd(panels, isTransposed: rows.isTransposed), oneDNN: oneDNN,
            threads: threads)
        packedWeights.append(packed)
        var product = ck_winograd(
            panels: panels.description, weights: packed.memory.floats,
            bias: step.inputs.count == 3 ? pointer(step.inputs[2]) : nil, x: pointer(x), out: pointer(result),
            shape: convolution, is_transposed: rows.isTransposed ? 1 : 0, scratch: nil)
        let byteCount = ck_winograd_scratch(&product, threads) * MemoryLayout<Float>.stride
        _ = try scratchpad.reserve(byteCount)
        let (threads, scratchpad) = (threads, scratchpad)
        return [
            Plan.Instruction(name: operation.productName, keeps: [packed, scratchpad]) {
                product.scratch = scratchpad.start.assumingMemoryBound(to: Float.self)
                ck_winograd_multiply(&product, threads)
            }
        ]
    }
}
