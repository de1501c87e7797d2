import DPGraph

extension OperationCase {
    /// Embeddings of diffusion steps, tables and losses.
    static let embeddingsAndLosses: [OperationCase] = [
        embedding([0, 1, 50, 99], dimension: 4), embedding([7], dimension: 6), embedding([3, 99], dimension: 256),
        embedding([0, 12, 999], dimension: 34),
        OperationCase("index select", [.parameter("table", [5, 3]).constant, .numbers("rows", [4, 0, 2, 2])]) {
            [$0["table"].rows(at: $0["rows"])]
        },
        OperationCase("index select from a constant", [.numbers("rows", [1, 0])]) { tensors in
            let table = tensors["rows"].graph.constant([0.5, -1, 2, 3], [2, 2])
            return [table.rows(at: tensors["rows"])]
        },
        OperationCase("constant", [.input("x", [2, 3])]) { tensors in
            [tensors["x"] + tensors["x"].graph.constant([1, 2, 3], [3])]
        },
        meanSquaredError([1]), meanSquaredError([3, 16, 2]), meanSquaredError([5, 7]),
    ]

    private static func embedding(_ steps: [Float], dimension: Int) -> OperationCase {
        OperationCase("embedding of \(steps.count) steps in \(dimension) dimensions", [.numbers("steps", steps)]) {
            [$0["steps"].sinusoidalEmbedding(dimension: dimension)]
        }
    }

    private static func meanSquaredError(_ shape: Shape) -> OperationCase {
        OperationCase("mean squared error of \(shape)", [.input("x", shape), .input("target", shape)]) {
            [$0["x"].meanSquaredError(to: $0["target"])]
        }
    }
}
