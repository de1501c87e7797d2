extension GraphBuilder {
    /// Appends the computation of a scalar loss's gradients to the graph and returns them for every trainable
    /// parameter that the loss depends on.
    /// - Parameter scale: a scalar that multiplies every gradient, for example the fraction of a batch that a
    ///   micro-batch holds.
    package func gradients(of loss: Tensor, scaledBy scale: Tensor) -> [(parameter: Int, tensor: Tensor)] {
        precondition(loss.shape == [] && scale.shape == [], "expected scalars, found \(loss.shape) and \(scale.shape)")
        let wanted = nodes.indices.filter { index in
            if case .parameter(let parameter, _) = nodes[index].operation {
                return parameters.ranges[parameter].isTrainable
            }
            return false
        }
        let adjoints = adjoints(of: loss, seed: scale, for: Set(wanted))
        return wanted.compactMap { index in
            guard case .parameter(let parameter, _) = nodes[index].operation, let gradient = adjoints[index] else {
                return nil
            }
            return (parameter, gradient)
        }
    }

    /// Returns the gradients of a scalar with respect to any tensors; nil for a tensor that it does not depend on.
    package func gradients(of loss: Tensor, for tensors: [Tensor]) -> [Tensor?] {
        let adjoints = adjoints(of: loss, seed: constant([1], []), for: Set(tensors.map(\.value.node)))
        return tensors.map { adjoints[$0.value.node] }
    }

    /// Walks back from the loss and returns the gradients by node.
    private func adjoints(of loss: Tensor, seed: Tensor, for targets: Set<Int>) -> [Int: Tensor] {
        let last = loss.value.node
        var reachesTarget = [Bool](repeating: false, count: last + 1)
        for index in 0...last {
            reachesTarget[index] = targets.contains(index) || nodes[index].inputs.contains { reachesTarget[$0.node] }
        }
        var adjoints: [Int: Tensor] = [last: seed]
        for index in (0...last).reversed() where reachesTarget[index] {
            guard let adjoint = adjoints[index] else { continue }
            let node = nodes[index]
            let inputs = node.inputs.map { Tensor(builder: self, value: $0, type: nodes[$0.node].results[$0.result]) }
            let output = Tensor(builder: self, value: Value(node: index), type: node.results[0])
            let rules = node.operation.gradientRules(inputs: inputs, output: output, adjoint: adjoint)
            for (input, rule) in zip(node.inputs, rules) where reachesTarget[input.node] {
                let gradient = rule()
                adjoints[input.node] = adjoints[input.node].map { $0 + gradient } ?? gradient
            }
        }
        return adjoints
    }
}
