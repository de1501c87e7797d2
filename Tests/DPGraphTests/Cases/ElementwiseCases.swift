import DPGraph

extension OperationCase {
    /// Operations on each element.
    static let elementwise: [OperationCase] =
        broadcasts.flatMap { left, right in
            [
                binary("add", left, right) { $0 + $1 },
                binary("subtract", left, right) { $0 - $1 },
                binary("multiply", left, right) { $0 * $1 },
            ]
        } + [
            OperationCase("square", [.input("x", [3, 7])]) { [$0["x"] * $0["x"]] },
            OperationCase("double", [.input("x", [3, 7])]) { [$0["x"] + $0["x"]] },
            OperationCase("difference to itself", [.input("x", [3, 7])]) { [$0["x"] - $0["x"]] },
            OperationCase("scale", [.input("x", [2, 3, 5])]) { [-2.5 * $0["x"]] },
            OperationCase("clamp", [.input("x", [3, 17], scale: 3).constant]) { [$0["x"].clamped(to: -1...0.5)] },
            mish([], scale: 2), mish([1], scale: 2), mish([3, 5, 7], scale: 4), mish([2, 16, 64], scale: 1),
            mish([2, 33], scale: 12),
            OperationCase("mish of large numbers", [.input("x", [200], scale: 300).constant]) { [$0["x"].mish()] },
            OperationCase("parameter in elementwise operations", [.input("x", [3, 7]), .parameter("p", [7])]) {
                [$0["x"] * $0["p"].mish() + $0["p"]]
            },
            OperationCase("cast", [.input("x", [3, 21])], isSmooth: false) {
                [$0["x"].cast(to: .bfloat16).cast(to: .float32)]
            },
        ]

    private static let broadcasts: [(Shape, Shape)] = [
        ([2, 16, 20], [2, 16, 20]), ([3, 5, 7], [7]), ([3, 5, 7], [3, 1, 7]), ([2, 1, 5], [7, 1]), ([], [2, 3]),
        ([4, 1], [1, 6]), ([1], [1]),
    ]

    private static func binary(
        _ name: String, _ left: Shape, _ right: Shape, _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor
    ) -> OperationCase {
        OperationCase("\(name) \(left) and \(right)", [.input("a", left), .input("b", right)]) {
            [function($0["a"], $0["b"])]
        }
    }

    private static func mish(_ shape: Shape, scale: Float) -> OperationCase {
        OperationCase("mish of \(shape) within ±\(scale)", [.input("x", shape, scale: scale)]) { [$0["x"].mish()] }
    }
}
