internal import CDPKernels
internal import DPGraph

// MARK: - Elementwise operations and sums

extension InstructionCompiler {
    func elementwise(
        _ operation: ck_binary, _ a: Pointer, _ aShape: Shape, _ b: Pointer, _ bShape: Shape, _ out: Pointer,
        _ shape: Shape,
        _ name: String, keeping memory: AlignedMemory...
    ) -> [Plan.Instruction] {
        let threads = threads
        if aShape == shape && bShape == shape {
            let count = shape.count
            return [Plan.Instruction(name: name) { ck_binary_same(operation, a, b, out, count, threads) }]
        }
        let loop = BroadcastLoop(over: shape, [aShape, bShape])
        return [
            Plan.Instruction(name: name, keeps: memory) {
                ck_binary_strided(operation, a, b, out, loop.extents, loop.strides[0], loop.strides[1], threads)
            }
        ]
    }

    /// Computes the sum of two values of one shape, each in its own precision.
    func sumOfTwo(_ step: Step, to result: Value) -> Plan.Instruction {
        let threads = threads
        let (a, b) = (step.inputs[0], step.inputs[1])
        let sum = ck_elementwise(
            a: raw(a), b: raw(b), out: raw(result), count: shape(result).count, first: 0, second: 0,
            a_format: ck_format(precision(a)), b_format: ck_format(precision(b)),
            out_format: ck_format(precision(result)))
        return Plan.Instruction(name: "add") { withUnsafePointer(to: sum) { ck_sum_of_two($0, threads) } }
    }

    func sum(_ value: Value, to target: Shape, _ out: Pointer) throws -> [Plan.Instruction] {
        let threads = threads
        let source = pointer(value)
        let shape = shape(value)
        // A sum over the outermost axes is a sum of rows, where a row holds everything inside of these axes.
        let rest = Array(target.dimensions.drop { $0 == 1 })
        if !rest.isEmpty, Array(shape.dimensions.suffix(rest.count)) == rest {
            let columns = target.count
            let rows = shape.count / columns
            let scratch = try AlignedMemory(floats: Int(threads) * columns)
            return [
                Plan.Instruction(name: "sum rows", keeps: [scratch]) {
                    ck_sum_rows(source, ck_float32, out, rows, columns, scratch.floats, threads)
                }
            ]
        }
        let loop = BroadcastLoop(over: shape, [target])
        let count = target.count
        return [
            Plan.Instruction(name: "sum") { ck_sum_strided(source, out, loop.extents, loop.strides[0], count) }
        ]
    }
}
