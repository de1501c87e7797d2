/// One result of one node.
package struct Value: Hashable, Sendable {
    /// Index of the node.
    package var node: Int
    /// Index of the result among the node's results.
    package var result: Int

    /// Creates a reference to a result of a node.
    package init(node: Int, result: Int = 0) {
        self.node = node
        self.result = result
    }
}

/// An operation applied to values.
package struct Node: Sendable, Hashable {
    /// The operation that the node computes.
    package let operation: TensorOperation
    /// The values that the operation reads.
    package let inputs: [Value]
    /// Types of the results.
    package let results: [TensorType]
    /// How often the results change: as often as the fastest input.
    package let rate: Rate
}

/// A finished computation: nodes, each after its inputs, with named outputs and gradients.
package struct Graph: Sendable {
    /// The nodes, each after its inputs.
    package let nodes: [Node]
    /// The parameters that `TensorOperation.parameter` refers to.
    package let parameters: ParameterTable
    /// Values that can be read after a run, by name.
    package let outputs: [(name: String, value: Value)]
    /// For each trainable parameter that the loss depends on, its gradient.
    package let gradients: [(parameter: Int, value: Value)]

    /// Returns the type of a value.
    package func type(of value: Value) -> TensorType { nodes[value.node].results[value.result] }

    /// Returns whether an output or gradient depends on an input of this name.
    package func hasInput(_ name: String) -> Bool {
        nodes.contains { if case .input(name, _, _) = $0.operation { true } else { false } }
    }
}
