extension Graph {
    /// The same computation with some operations expressed by others.
    ///
    /// The nodes are recorded again one after another on a new builder, so that equal values become one and what nobody needs any more is gone.
    /// - Parameter rule: gives what stands for an operation on inputs that are already rewritten, one tensor a result; nil keeps the operation.
    public func rewritten(_ rule: (_ operation: Operation, _ inputs: [Tensor], _ builder: GraphBuilder) -> [Tensor]?)
        -> Graph
    {
        rewritten(in: Array(nodes.indices)) { node, tensor, builder in
            rule(nodes[node].operation, nodes[node].inputs.map(tensor), builder)
        }
    }

    /// The same computation recorded in another order, with some nodes expressed by others.
    /// - Parameters:
    ///   - order: every node, after its inputs.
    ///   - rule: gives what stands for a node, one tensor a result; nil keeps it. It is told what stands for values of earlier nodes.
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
    /// The operation that made a tensor, and what from.
    func origin(of tensor: Tensor) -> (operation: Operation, inputs: [Tensor]) {
        let node = nodes[tensor.value.node]
        return (
            node.operation,
            node.inputs.map { Tensor(builder: self, value: $0, type: nodes[$0.node].results[$0.result]) }
        )
    }

    /// How often a tensor changes.
    func rate(of tensor: Tensor) -> Rate { nodes[tensor.value.node].rate }
}
