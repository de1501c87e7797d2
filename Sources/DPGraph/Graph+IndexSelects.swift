extension Graph {
    /// Returns the same computation with one index select in place of several at the same indices.
    ///
    /// The tables are concatenated by columns, and so are the slower values that are added to their rows. Each
    /// original result is a range of columns of the merged result.
    func mergingIndexSelects() -> Graph {
        let groups = Dictionary(grouping: indexSelects(), by: \.key).values.filter { $0.count > 1 }
        guard !groups.isEmpty else { return self }
        var groupOfNode: [Int: [IndexSelect]] = [:]
        for group in groups {
            for member in group { groupOfNode[member.node] = group }
        }
        // A merged index select uses the tables and addends of all members, which have slower rates; record these
        // first.
        let order = Rate.allCases.flatMap { rate in nodes.indices.filter { nodes[$0].rate == rate } }
        return rewritten(in: order) { node, tensor, builder in
            if let group = groupOfNode[node] {
                let joined = joined(group, tensor)
                let before = group.prefix { $0.node != node }.reduce(0) { $0 + type(of: $1.table).shape[1] }
                return [joined.slice(axis: 1, before..<before + nodes[node].results[0].shape[1])]
            }
            // A slice of such a range is itself a range of the merged result.
            guard case .slice(let axis, let range) = nodes[node].operation else { return nil }
            let (origin, inputs) = builder.origin(of: tensor(nodes[node].inputs[0]))
            guard case .slice(axis, let outer) = origin else { return nil }
            let start = outer.lowerBound + range.lowerBound
            return [inputs[0].slice(axis: axis, start..<start + range.count)]
        }
    }

    /// Returns the selected rows of all tables of a group, concatenated by columns, plus the values added to them.
    private func joined(_ group: [IndexSelect], _ tensor: (Value) -> Tensor) -> Tensor {
        let rows = Tensor.concatenatedColumns(group.map { tensor($0.table) }).rows(at: tensor(group[0].key.indices))
        guard group[0].addend != nil else { return rows }
        return rows + .concatenatedColumns(group.compactMap(\.addend).map(tensor))
    }

    /// An index select from a table that changes only with the weights, and a slower value that the rows are added
    /// to.
    private struct IndexSelect {
        var node: Int
        var table: Value
        var addend: Value?
        var key: Key

        /// The properties that the members of a group share.
        struct Key: Hashable {
            var indices: Value
            var rateOfAddend: Rate?
        }
    }

    /// Returns the index selects of a graph.
    ///
    /// If the selected rows are used only in an addition with a slower value, the addition is the member.
    private func indexSelects() -> [IndexSelect] {
        var sums: [IndexSelect] = []
        for (index, node) in nodes.enumerated() where node.operation == .add {
            for (rows, addend) in [(0, 1), (1, 0)].map({ (node.inputs[$0], node.inputs[$1]) }) {
                let (indexSelect, rate) = (nodes[rows.node], nodes[addend.node].rate)
                guard isIndexSelect(indexSelect), rate < node.rate, type(of: addend) == type(of: rows) else { continue }
                sums.append(
                    IndexSelect(
                        node: index, table: indexSelect.inputs[0], addend: addend,
                        key: .init(indices: indexSelect.inputs[1], rateOfAddend: rate)))
                break
            }
        }
        var otherUsers = Set(outputs.map(\.value.node) + gradients.map(\.value.node))
        let sumNodes = Set(sums.map(\.node))
        for (index, node) in nodes.enumerated() where !sumNodes.contains(index) {
            otherUsers.formUnion(node.inputs.map(\.node))
        }
        return sums
            + nodes.indices.filter { isIndexSelect(nodes[$0]) && otherUsers.contains($0) }.map {
                IndexSelect(node: $0, table: nodes[$0].inputs[0], key: .init(indices: nodes[$0].inputs[1]))
            }
    }

    private func isIndexSelect(_ node: Node) -> Bool {
        node.operation == .indexSelect && node.rate > .weights && nodes[node.inputs[0].node].rate == .weights
    }
}

extension Tensor {
    /// Concatenates matrices by columns.
    ///
    /// Products of one matrix become a single product with the weights concatenated by rows:
    /// `concatenate(linear(x, V), linear(x, W)) = linear(x, [V; W])`.
    fileprivate static func concatenatedColumns(_ matrices: [Tensor]) -> Tensor {
        let builder = matrices[0].graph
        let origins = matrices.map(builder.origin)
        let first = origins[0].inputs
        let areProductsOfOne = origins.allSatisfy { operation, inputs in
            operation == .linear && inputs[0].value == first[0].value && inputs.count == first.count
                && inputs.dropFirst().allSatisfy { builder.rate(of: $0) == .weights }
        }
        guard areProductsOfOne else { return concatenate(matrices, axis: 1) }
        let bias = first.count > 2 ? concatenate(origins.map { $0.inputs[2] }, axis: 0) : nil
        return first[0].linear(concatenatedRows(origins.map { $0.inputs[1] }), bias: bias)
    }

    /// Concatenates matrices by rows.
    ///
    /// If all are the same range of columns, the range is sliced after the concatenation.
    private static func concatenatedRows(_ matrices: [Tensor]) -> Tensor {
        let origins = matrices.map(matrices[0].graph.origin)
        guard case .slice(axis: 1, let columns) = origins[0].operation,
            origins.allSatisfy({
                $0.operation == origins[0].operation && $0.inputs[0].shape[1] == origins[0].inputs[0].shape[1]
            })
        else { return concatenate(matrices, axis: 0) }
        return concatenate(origins.map { $0.inputs[0] }, axis: 0).slice(axis: 1, columns)
    }
}
