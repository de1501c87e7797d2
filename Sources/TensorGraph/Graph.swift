/// One result of one node.
public struct Value: Hashable, Sendable {
    /// Index of the node.
    public var node: Int
    /// Which of the node's results.
    public var result: Int

    /// A result of a node.
    public init(node: Int, result: Int = 0) {
        self.node = node
        self.result = result
    }
}

/// An operation applied to values.
public struct Node: Sendable, Hashable {
    /// What is computed.
    public let operation: Operation
    /// From what.
    public let inputs: [Value]
    /// Types of the results.
    public let results: [TensorType]
    /// How often the results change: as often as the fastest input.
    public let rate: Rate
}

/// A finished computation: nodes in an order in which each one follows its inputs, and what is wanted of it.
public struct Graph: Sendable {
    /// The nodes, each after its inputs.
    public let nodes: [Node]
    /// The parameters that `Operation.parameter` refers to.
    public let parameters: ParameterTable
    /// Values that can be read after a run, by name.
    public let outputs: [(name: String, value: Value)]
    /// For each trainable parameter that the loss depends on, its gradient.
    public let gradients: [(parameter: Int, value: Value)]

    /// The type of a value.
    public func type(of value: Value) -> TensorType { nodes[value.node].results[value.result] }

    /// Whether something that is wanted depends on an input of this name.
    public func hasInput(_ name: String) -> Bool {
        nodes.contains { if case .input(name, _, _) = $0.operation { true } else { false } }
    }
}
