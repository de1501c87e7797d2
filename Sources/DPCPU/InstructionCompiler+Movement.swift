internal import CDPKernels
internal import DPGraph

// MARK: - Movement and casts

extension InstructionCompiler {
    func movement(_ operation: TensorOperation, _ step: Step, to result: Value) throws -> [Plan.Instruction] {
        let (source, out) = (step.inputs[0], raw(result))
        switch operation {
        case .reshape:
            return []
        case .concatenate(let axis):
            var start = 0
            return step.inputs.flatMap { input in
                defer { start += shape(input)[axis] }
                return copyRows(
                    "concatenate", from: input, axis: axis, start: 0, to: result, start: start,
                    length: shape(input)[axis])
            }
        case .slice(let axis, let range):
            return copyRows(
                "slice", from: source, axis: axis, start: range.lowerBound, to: result, start: 0, length: range.count)
        case .pad(let axis, let start, _):
            let byteCount = graph.type(of: result).byteCount
            return [
                Plan.Instruction(name: "fill", isAuxiliary: true) {
                    _ = out.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
                }
            ]
                + copyRows(
                    "pad", from: source, axis: axis, start: 0, to: result, start: start, length: shape(source)[axis])
        case .broadcast(let target):
            let zero = try AlignedMemory(floats: 1)
            guard precision(source) != .float32 else {
                return elementwise(
                    ck_add, pointer(source), shape(source), zero.floats, [], pointer(result), target, "broadcast",
                    keeping: zero)
            }
            // Through float32, which loses nothing; no network that we know broadcasts rounded values.
            let (narrow, wide) = (
                try AlignedMemory(floats: shape(source).count), try AlignedMemory(floats: target.count)
            )
            return cast(from: raw(source), precision(source), to: narrow.start, .float32, count: shape(source).count)
                + elementwise(
                    ck_add, narrow.floats, shape(source), zero.floats, [], wide.floats, target, "broadcast",
                    keeping: zero, narrow, wide)
                + cast(from: wide.start, .float32, to: out, precision(result), count: target.count)
        default:
            preconditionFailure("\(operation) is not a movement")
        }
    }

    /// Copies `length` indices along an axis from one value to another.
    private func copyRows(
        _ name: String, from source: Value, axis: Int, start: Int, to destination: Value, start destinationStart: Int,
        length: Int
    ) -> [Plan.Instruction] {
        let threads = threads
        let rows = shape(source).dimensions[..<axis].reduce(1, *)
        let inner = shape(source).dimensions[(axis + 1)...].reduce(1, *) * precision(source).byteCount
        let (sourceStride, destinationStride) = (shape(source)[axis] * inner, shape(destination)[axis] * inner)
        let from = raw(source) + start * inner
        let to = raw(destination) + destinationStart * inner
        if from == to { return [] }
        return [
            Plan.Instruction(name: name) {
                ck_copy_rows(from, sourceStride, to, destinationStride, rows, length * inner, threads)
            }
        ]
    }

    /// Rounds numbers to bfloat16 or widens them to float32.
    func cast(
        from source: UnsafeMutableRawPointer, _ precision: Precision, to destination: UnsafeMutableRawPointer,
        _ target: Precision, count: Int
    ) -> [Plan.Instruction] {
        let threads = threads
        switch (precision, target) {
        case (.float32, .bfloat16):
            let (x, out) = (
                source.assumingMemoryBound(to: Float.self), destination.assumingMemoryBound(to: UInt16.self)
            )
            return [Plan.Instruction(name: "cast to bfloat16") { ck_round_to_bf16(x, out, count, threads) }]
        case (.bfloat16, .float32):
            let (x, out) = (
                source.assumingMemoryBound(to: UInt16.self), destination.assumingMemoryBound(to: Float.self)
            )
            return [Plan.Instruction(name: "cast to float32") { ck_widen_bf16(x, out, count, threads) }]
        case (.float32, .float32), (.bfloat16, .bfloat16):
            preconditionFailure("a cast from \(precision) to itself")
        }
    }
}
