/// Records operations while a network is called on symbolic tensors.
///
/// The same operation on the same values is recorded once: every operation is a pure function, so calling `mish` on
/// one tensor in ten blocks computes it once.
package final class GraphBuilder {
    /// The parameters that layers refer to by name.
    package let parameters: ParameterTable
    private(set) var nodes: [Node] = []
    private var known: [Key: Int] = [:]

    private struct Key: Hashable {
        let operation: TensorOperation
        let inputs: [Value]
    }

    /// Creates an empty graph over a table of parameters.
    package init(parameters: ParameterTable = ParameterTable([])) {
        self.parameters = parameters
    }

    /// Records an input of the given shape.
    /// - Parameter rate: how often it changes.
    /// - Precondition: an input of the same name has the same shape and rate.
    package func input(_ name: String, _ shape: Shape, rate: Rate = .iteration) -> Tensor {
        for case .input(name, let known, let knownRate) in nodes.lazy.map(\.operation) {
            precondition(
                known == shape && knownRate == rate,
                "input \(name): recorded as \(known) at rate \(knownRate), now \(shape) at rate \(rate)")
        }
        return apply(.input(name: name, shape: shape, rate: rate), [])[0]
    }

    /// Records the parameter of a layer.
    /// - Precondition: the table has the parameter, in this shape.
    package func parameter(_ parameter: Parameter) -> Tensor {
        guard let index = parameters.index(of: parameter.name) else {
            preconditionFailure("the table has no parameter \(parameter.name)")
        }
        let shape = parameters.ranges[index].shape
        precondition(shape == parameter.shape, "\(parameter.name): expected \(parameter.shape), found \(shape)")
        return apply(.parameter(index: index, shape: shape), [])[0]
    }

    /// Records a constant.
    package func constant(_ values: [Float], _ shape: Shape) -> Tensor {
        apply(.constant(values: values, shape: shape), [])[0]
    }

    /// Records an operation and returns its results.
    func apply(_ operation: TensorOperation, _ inputs: [Tensor]) -> [Tensor] {
        precondition(inputs.allSatisfy { $0.builder === self }, "tensors of different graphs")
        let values = inputs.map(\.value)
        let key = Key(operation: operation, inputs: values)
        let index = known[key] ?? append(operation, values)
        known[key] = index
        return nodes[index].results.enumerated().map { result, type in
            Tensor(builder: self, value: Value(node: index, result: result), type: type)
        }
    }

    private func append(_ operation: TensorOperation, _ inputs: [Value]) -> Int {
        let types = inputs.map { nodes[$0.node].results[$0.result] }
        let rate: Rate =
            if case .input(_, _, let rate) = operation { rate } else {
                inputs.map { nodes[$0.node].rate }.max() ?? .weights
            }
        nodes.append(
            Node(operation: operation, inputs: inputs, results: operation.resultTypes(of: types), rate: rate))
        return nodes.count - 1
    }

    /// Returns the finished graph, which contains only the nodes that the outputs and gradients need.
    /// - Parameters:
    ///   - outputs: tensors that can be read after a run, by name.
    ///   - gradients: gradients of parameters, by their index in the table; see `gradients(of:scaledBy:)`.
    package func graph(
        outputs: [(name: String, tensor: Tensor)], gradients: [(parameter: Int, tensor: Tensor)] = []
    ) -> Graph {
        var isNeeded = [Bool](repeating: false, count: nodes.count)
        for tensor in outputs.map(\.tensor) + gradients.map(\.tensor) { isNeeded[tensor.value.node] = true }
        for index in nodes.indices.reversed() where isNeeded[index] {
            for input in nodes[index].inputs { isNeeded[input.node] = true }
        }
        var newIndex = [Int](repeating: -1, count: nodes.count)
        var kept: [Node] = []
        func renumber(_ value: Value) -> Value { Value(node: newIndex[value.node], result: value.result) }
        for (index, node) in nodes.enumerated() where isNeeded[index] {
            newIndex[index] = kept.count
            kept.append(
                Node(
                    operation: node.operation, inputs: node.inputs.map(renumber), results: node.results, rate: node.rate
                ))
        }
        return Graph(
            nodes: kept, parameters: parameters,
            outputs: outputs.map { ($0.name, renumber($0.tensor.value)) },
            gradients: gradients.map { ($0.parameter, renumber($0.tensor.value)) })
    }
}
