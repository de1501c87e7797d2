@testable import DPGraph

extension OperationCase {
    /// Operations that move elements.
    static let shapes: [OperationCase] = [
        OperationCase("reshape", [.input("x", [2, 3, 5])]) { [$0["x"].reshaped(to: [6, 5]).mish()] },
        OperationCase("reshape to a scalar and back", [.input("x", [1, 1])]) {
            [$0["x"].reshaped(to: []).mish().reshaped(to: [1])]
        },
        concatenation(axis: 0, [[1, 3, 5], [2, 3, 5]]),
        concatenation(axis: 1, [[3, 4, 7], [3, 1, 7], [3, 2, 7]]),
        concatenation(axis: 2, [[2, 16, 3], [2, 16, 17]]),
        concatenation(axis: 1, [[5, 20], [5, 64]]),
        OperationCase("concatenate a tensor with itself", [.input("x", [2, 3])]) {
            [Tensor.concatenate([$0["x"], $0["x"].mish(), $0["x"]], axis: 1)]
        },
        slice([4, 3, 5], axis: 0, 1..<3),
        slice([2, 7, 5], axis: 1, 2..<7),
        slice([3, 4, 33], axis: 2, 0..<16),
        slice([3, 40], axis: 1, 20..<40),
        OperationCase("overlapping slices", [.input("x", [2, 9, 3])]) {
            [$0["x"].slice(axis: 1, 0..<6) * $0["x"].slice(axis: 1, 3..<9)]
        },
        place([2, 3, 5], axis: 1, start: 2, length: 7),
        place([2, 3, 5], axis: 2, start: 0, length: 16),
        broadcast([3], to: [2, 4, 3]),
        broadcast([2, 1, 5], to: [2, 4, 5]),
        broadcast([1, 3, 1], to: [2, 3, 4]),
        broadcast([], to: [3, 2]),
        sum([2, 4, 3], to: [3]),
        sum([2, 4, 17], to: [2, 1, 17]),
        sum([5, 3], to: []),
        sum([2, 3, 4], to: [1, 3, 1]),
    ]

    private static func concatenation(axis: Int, _ shapes: [Shape]) -> OperationCase {
        let arguments = shapes.enumerated().map { Argument.input("x\($0)", $1) }
        return OperationCase("concatenate \(shapes) along \(axis)", arguments) { tensors in
            [Tensor.concatenate(arguments.map { tensors[$0.name] }, axis: axis)]
        }
    }

    private static func slice(_ shape: Shape, axis: Int, _ range: Range<Int>) -> OperationCase {
        OperationCase("slice \(range) of axis \(axis) of \(shape)", [.input("x", shape)]) {
            [$0["x"].slice(axis: axis, range)]
        }
    }

    private static func place(_ shape: Shape, axis: Int, start: Int, length: Int) -> OperationCase {
        OperationCase("pad \(shape) at \(start) of \(length) along \(axis)", [.input("x", shape)]) { tensors in
            let operation = TensorOperation.pad(axis: axis, start: start, length: length)
            return tensors["x"].graph.apply(operation, [tensors["x"]])
        }
    }

    private static func broadcast(_ shape: Shape, to target: Shape) -> OperationCase {
        OperationCase("broadcast \(shape) to \(target)", [.input("x", shape)]) { [$0["x"].broadcast(to: target)] }
    }

    private static func sum(_ shape: Shape, to target: Shape) -> OperationCase {
        OperationCase("sum \(shape) to \(target)", [.input("x", shape)]) { [$0["x"].sum(to: target)] }
    }
}
