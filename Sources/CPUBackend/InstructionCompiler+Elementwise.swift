internal import CKernels
internal import TensorGraph

// MARK: - Copies, sums and elementwise operations

extension InstructionCompiler {
    /// Copies `length` indices along an axis from one value to another.
    func copyRows(
        _ name: String, from source: Value, axis: Int, start: Int, to destination: Value, start destinationStart: Int,
        length: Int
    ) -> [Plan.Instruction] {
        let threads = threads
        let rows = shape(source).dimensions[..<axis].reduce(1, *)
        let inner = shape(source).dimensions[(axis + 1)...].reduce(1, *)
        let (sourceStride, destinationStride) = (shape(source)[axis] * inner, shape(destination)[axis] * inner)
        let from = pointer(source) + start * inner
        let to = pointer(destination) + destinationStart * inner
        if from == to { return [] }
        return [
            Plan.Instruction(name: name) {
                ck_copy_rows(from, sourceStride, to, destinationStride, rows, length * inner, threads)
            }
        ]
    }

    func elementwise(
        _ operation: ck_binary, _ a: Pointer, _ aShape: Shape, _ b: Pointer, _ bShape: Shape, _ out: Pointer,
        _ shape: Shape,
        _ name: String, keeping memory: AlignedMemory? = nil
    ) -> [Plan.Instruction] {
        let threads = threads
        if aShape == shape && bShape == shape {
            let count = shape.count
            return [Plan.Instruction(name: name) { ck_binary_same(operation, a, b, out, count, threads) }]
        }
        let loop = BroadcastLoop(over: shape, [aShape, bShape])
        return [
            Plan.Instruction(name: name, keeps: [memory].compactMap { $0 }) {
                ck_binary_strided(operation, a, b, out, loop.extents, loop.strides[0], loop.strides[1], threads)
            }
        ]
    }

    func sum(_ value: Value, to target: Shape, _ out: Pointer) throws -> [Plan.Instruction] {
        let threads = threads
        let source = pointer(value)
        let shape = shape(value)
        if target == [shape.last] {
            let (rows, columns) = (shape.count / shape.last, shape.last)
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
