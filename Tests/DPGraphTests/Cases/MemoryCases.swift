import DPGraph

extension OperationCase {
    /// Computations that fail if memory is reused too early or a view is treated as a copy.
    static let memory: [OperationCase] = [
        OperationCase("values used again after other operations", [.input("a", [3, 5]), .input("b", [3, 5])]) {
            let sum = $0["a"] + $0["b"]
            let product = $0["a"] * $0["b"]
            return [sum.mish() + $0["a"], product * sum, $0["b"].mish()]
        },
        OperationCase("a view and its source", [.input("x", [2, 3, 4])]) {
            let view = $0["x"].reshaped(to: [6, 4])
            return [$0["x"] + view.mish().reshaped(to: [2, 3, 4]), 2 * view]
        },
        OperationCase("a view of a view as a result", [.input("x", [2, 6])]) {
            let hidden = $0["x"].mish()
            return [hidden.reshaped(to: [12]).reshaped(to: [3, 4]), hidden, hidden.slice(axis: 1, 2..<4)]
        },
        OperationCase("an input as a result", [.input("x", [4, 3])]) { [$0["x"], $0["x"].mish()] },
        OperationCase("a parameter as a result", [.input("x", [3]), .parameter("p", [3])]) {
            [$0["p"], $0["x"] * $0["p"]]
        },
        OperationCase("one result under two names", [.input("x", [4, 3])]) { [$0["x"].mish(), $0["x"].mish()] },
        OperationCase("a concatenated part as a result", [.input("x", [2, 4, 3]), .input("y", [2, 4, 5])]) {
            let part = $0["x"].mish()
            let joined = Tensor.concatenate([part, $0["y"].mish()], axis: 2)
            return [joined.mish(), part, joined.slice(axis: 2, 1..<5) + part.slice(axis: 2, 0..<1)]
        },
        OperationCase("a value used before and after a long chain", [.input("x", [2, 16, 8])]) { tensors in
            let waiting = tensors["x"].mish()
            let chain = (0..<8).reduce(waiting) { chain, _ in (0.9 * chain + tensors["x"]).mish() }
            return [chain * waiting]
        },
        OperationCase(
            "values of every rate", [.input("o", [3, 4], rate: .conditioning), .input("x", [3, 4]), gainArgument]
        ) {
            let model = $0["gain"].mish()
            let chunk = ($0["o"] * model).mish()
            return [($0["x"] + chunk).mish() * model, chunk]
        },
    ]

    private static let gainArgument = Argument.parameter("gain", [4])
}
