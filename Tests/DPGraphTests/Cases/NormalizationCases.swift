import DPGraph

extension OperationCase {
    /// Group normalization and FiLM.
    static let normalization: [OperationCase] =
        [
            groupNorm([1, 16, 64], groups: 8), groupNorm([2, 4, 8], groups: 8), groupNorm([3, 8, 20], groups: 4),
            groupNorm([2, 16, 10], groups: 1), groupNorm([1, 4, 6], groups: 3), groupNorm([2, 5, 12], groups: 2),
            groupNorm([2, 8, 256], groups: 8), groupNorm([3, 2, 34], groups: 2),
            OperationCase("group norm far from zero", [.input("x", [2, 8, 8], base: 30), gain(8), bias(8)]) {
                [$0["x"].groupNorm(groups: 4, gain: $0["norm.weight"], bias: $0["norm.bias"])]
            },
            OperationCase(
                "group norm of equal elements", [.input("x", [2, 4, 8], base: 1, scale: 0).constant, gain(8), bias(8)]
            ) { [$0["x"].groupNorm(groups: 4, gain: $0["norm.weight"], bias: $0["norm.bias"])] },
            OperationCase("group norm with a large epsilon", [.input("x", [2, 4, 6]), gain(6), bias(6)]) {
                [$0["x"].groupNorm(groups: 2, gain: $0["norm.weight"], bias: $0["norm.bias"], epsilon: 0.5)]
            },
        ] + [[1, 16, 64], [3, 4, 5], [2, 8, 17]].map(film)

    private static func gain(_ channels: Int) -> Argument { .parameter("norm.weight", [channels]) }
    private static func bias(_ channels: Int) -> Argument { .parameter("norm.bias", [channels]) }

    private static func groupNorm(_ shape: Shape, groups: Int) -> OperationCase {
        OperationCase("group norm of \(shape) in \(groups)", [.input("x", shape), gain(shape.last), bias(shape.last)]) {
            [$0["x"].groupNorm(groups: groups, gain: $0["norm.weight"], bias: $0["norm.bias"])]
        }
    }

    private static func film(_ shape: Shape) -> OperationCase {
        let perItem: Shape = [shape[0], shape[2]]
        return OperationCase(
            "FiLM of \(shape)", [.input("x", shape), .input("scale", perItem), .input("bias", perItem)]
        ) { [$0["x"].film(scale: $0["scale"], bias: $0["bias"])] }
    }
}
