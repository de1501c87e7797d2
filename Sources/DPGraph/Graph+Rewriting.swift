extension Graph {
    /// Returns the same computation with some operations replaced by others.
    ///
    /// The nodes are recorded again in order on a new builder, so equal values are merged and unused values are
    /// dropped.
    /// - Parameter rule: returns the replacement of an operation on inputs that are already rewritten, one tensor
    ///   per result; nil keeps the operation.
    package func rewritten(
        _ rule: (_ operation: TensorOperation, _ inputs: [Tensor], _ builder: GraphBuilder) -> [Tensor]?
    )
        -> Graph
    {
        rewritten(in: Array(nodes.indices)) { node, tensor, builder in
            rule(nodes[node].operation, nodes[node].inputs.map(tensor), builder)
        }
    }

    /// Returns the same computation recorded in another order, with some nodes replaced by others.
    /// - Parameters:
    ///   - order: every node, after its inputs.
    ///   - rule: returns the replacement of a node, one tensor per result; nil keeps the node. Its argument
    ///     `tensor` returns the replacement of an earlier node's value.
    func rewritten(
        in order: [Int], _ rule: (_ node: Int, _ tensor: (Value) -> Tensor, _ builder: GraphBuilder) -> [Tensor]?
    ) -> Graph {
        let builder = GraphBuilder(parameters: parameters)
        var results = [[Tensor]](repeating: [], count: nodes.count)
        func tensor(_ value: Value) -> Tensor { results[value.node][value.result] }
        for index in order {
            let node = nodes[index]
            results[index] =
                rule(index, tensor, builder) ?? builder.apply(node.operation, node.inputs.map(tensor))
        }
        return builder.graph(
            outputs: outputs.map { ($0.name, tensor($0.value)) },
            gradients: gradients.map { ($0.parameter, tensor($0.value)) })
    }
}

extension GraphBuilder {
    /// Returns the operation that produced a tensor, and its inputs.
    func origin(of tensor: Tensor) -> (operation: TensorOperation, inputs: [Tensor]) {
        let node = nodes[tensor.value.node]
        return (
            node.operation,
            node.inputs.map { Tensor(builder: self, value: $0, type: nodes[$0.node].results[$0.result]) }
        )
    }

    /// Returns how often a tensor changes.
    func rate(of tensor: Tensor) -> Rate { nodes[tensor.value.node].rate }
}
