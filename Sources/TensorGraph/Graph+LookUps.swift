extension Graph {
    /// The same computation with one look-up where there were several at the same indices.
    ///
    /// The tables stand side by side in one, and so do the slower values that are added to their rows; what was looked up (and added to) is a range of
    /// columns of the result.
    func joiningLookUps() -> Graph {
        let groups = Dictionary(grouping: lookUps(), by: \.key).values.filter { $0.count > 1 }
        guard !groups.isEmpty else { return self }
        var groupOfNode: [Int: [LookUp]] = [:]
        for group in groups {
            for member in group { groupOfNode[member.node] = group }
        }
        // What the first of a group needs of the others is slower than it, so it comes earlier when slower values come first.
        let order = Rate.allCases.flatMap { rate in nodes.indices.filter { nodes[$0].rate == rate } }
        return rewritten(in: order) { node, tensor, builder in
            if let group = groupOfNode[node] {
                let joined = joined(group, tensor)
                let before = group.prefix { $0.node != node }.reduce(0) { $0 + type(of: $1.table).shape[1] }
                return [joined.slice(axis: 1, before..<before + nodes[node].results[0].shape[1])]
            }
            // A part of such a range is a range itself.
            guard case .slice(let axis, let range) = nodes[node].operation else { return nil }
            let (origin, inputs) = builder.origin(of: tensor(nodes[node].inputs[0]))
            guard case .slice(axis, let outer) = origin else { return nil }
            let start = outer.lowerBound + range.lowerBound
            return [inputs[0].slice(axis: axis, start..<start + range.count)]
        }
    }

    /// The rows of all tables of a group side by side, plus what is added to them.
    private func joined(_ group: [LookUp], _ tensor: (Value) -> Tensor) -> Tensor {
        let rows = Tensor.sideBySide(group.map { tensor($0.table) }).rows(at: tensor(group[0].key.indices))
        guard group[0].addend != nil else { return rows }
        return rows + .sideBySide(group.compactMap(\.addend).map(tensor))
    }

    /// Rows of a table of the model's rate, and a slower value that they are added to.
    private struct LookUp {
        var node: Int
        var table: Value
        var addend: Value?
        var key: Key

        /// What the members of a group have in common.
        struct Key: Hashable {
            var indices: Value
            var rateOfAddend: Rate?
        }
    }

    /// The look-ups of a graph, those whose rows are only added to something slower together with the sum.
    private func lookUps() -> [LookUp] {
        var sums: [LookUp] = []
        for (index, node) in nodes.enumerated() where node.operation == .add {
            for (rows, addend) in [(0, 1), (1, 0)].map({ (node.inputs[$0], node.inputs[$1]) }) {
                let (lookUp, rate) = (nodes[rows.node], nodes[addend.node].rate)
                guard isLookUp(lookUp), rate < node.rate, type(of: addend) == type(of: rows) else { continue }
                sums.append(
                    LookUp(
                        node: index, table: lookUp.inputs[0], addend: addend,
                        key: .init(indices: lookUp.inputs[1], rateOfAddend: rate)))
                break
            }
        }
        var otherUsers = Set(outputs.map(\.value.node) + gradients.map(\.value.node))
        let sumNodes = Set(sums.map(\.node))
        for (index, node) in nodes.enumerated() where !sumNodes.contains(index) {
            otherUsers.formUnion(node.inputs.map(\.node))
        }
        return sums
            + nodes.indices.filter { isLookUp(nodes[$0]) && otherUsers.contains($0) }.map {
                LookUp(node: $0, table: nodes[$0].inputs[0], key: .init(indices: nodes[$0].inputs[1]))
            }
    }

    private func isLookUp(_ node: Node) -> Bool {
        node.operation == .lookUp && node.rate > .model && nodes[node.inputs[0].node].rate == .model
    }
}

extension Tensor {
    /// Matrices side by side.
    ///
    /// Products of one matrix are one product with their weights one below the other: `concatenate(linear(x, V), linear(x, W)) = linear(x, [V; W])`.
    fileprivate static func sideBySide(_ matrices: [Tensor]) -> Tensor {
        let builder = matrices[0].graph
        let origins = matrices.map(builder.origin)
        let first = origins[0].inputs
        let areProductsOfOne = origins.allSatisfy { operation, inputs in
            operation == .linear && inputs[0].value == first[0].value && inputs.count == first.count
                && inputs.dropFirst().allSatisfy { builder.rate(of: $0) == .model }
        }
        guard areProductsOfOne else { return concatenate(matrices, axis: 1) }
        let bias = first.count > 2 ? concatenate(origins.map { $0.inputs[2] }, axis: 0) : nil
        return first[0].linear(oneBelowTheOther(origins.map { $0.inputs[1] }), bias: bias)
    }

    /// Matrices one below the other; the same columns of all are these columns of the whole.
    private static func oneBelowTheOther(_ matrices: [Tensor]) -> Tensor {
        let origins = matrices.map(matrices[0].graph.origin)
        guard case .slice(axis: 1, let columns) = origins[0].operation,
            origins.allSatisfy({
                $0.operation == origins[0].operation && $0.inputs[0].shape[1] == origins[0].inputs[0].shape[1]
            })
        else { return concatenate(matrices, axis: 0) }
        return concatenate(origins.map { $0.inputs[0] }, axis: 0).slice(axis: 1, columns)
    }
}
