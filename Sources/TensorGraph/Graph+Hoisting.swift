extension Graph {
    /// The same computation with every value computed as seldom as possible.
    ///
    /// What depends on the diffusion step alone becomes a table of all steps, computed once for a model; what depends on the observation alone
    /// is parted from what depends on both and computed once for a chunk; what is left in each step of both is to look rows up and to add them.
    /// Sums may be rounded otherwise than in the graph as it was. A graph whose values all change at one rate, as in training, stays as it is.
    public func hoisted() -> Graph {
        rewritten { operation, inputs, builder in Hoisting(builder: builder).record(operation, inputs) }
            .joiningLookUps()
    }
}

/// Records operations in a form whose parts change as seldom as possible.
private struct Hoisting {
    let builder: GraphBuilder

    func record(_ operation: Operation, _ inputs: [Tensor]) -> [Tensor] {
        let result = inputs.first.flatMap {
            distributed(operation, over: $0, inputs.dropFirst()) ?? tabulated(operation, $0, inputs.dropFirst())
        }
        return result.map { [$0] } ?? builder.apply(operation, inputs)
    }

    // MARK: - Parts that change at different rates

    /// `f(concatenate(a, b)) = concatenate(f(a), f(b))` for what works on each element or on rows that no part divides, and for a product over the axis
    /// of the parts
    /// `linear(concatenate(a, b), W, bias) = linear(a, W[:, a], bias) + linear(b, W[:, b])`; nil where neither applies or all parts change at one
    /// rate.
    private func distributed(_ operation: Operation, over x: Tensor, _ others: ArraySlice<Tensor>) -> Tensor? {
        let (origin, parts) = builder.origin(of: x)
        guard case .concatenate(let axis) = origin, Set(parts.map(builder.rate)).count > 1 else { return nil }
        switch operation {
        case .mish, .gelu, .scale, .clamp, .cast: break
        case .linear where axis == x.shape.rank - 1: return product(of: parts, others)
        case .linear: break
        case .layerNorm where axis < x.shape.rank - 1: break
        default: return nil
        }
        return .concatenate(parts.map { record(operation, [$0] + others)[0] }, axis: axis)
    }

    /// The sum of the products of each part with its columns of the weight, the bias with the part that changes least often.
    private func product(of parts: [Tensor], _ weightAndBias: ArraySlice<Tensor>) -> Tensor? {
        guard let weight = weightAndBias.first else { return nil }
        var start = 0
        let columns = parts.map { part in
            defer { start += part.shape.last }
            return weight.slice(axis: 1, start..<start + part.shape.last)
        }
        // The least frequent first, so that what is added up slowly is not added up again quickly.
        var bias = Array(weightAndBias.dropFirst())
        let products = zip(parts, columns).sorted { builder.rate(of: $0.0) < builder.rate(of: $1.0) }.map {
            defer { bias = [] }
            return record(.linear, [$0, $1] + bias)[0]
        }
        return products.dropFirst().reduce(products[0], +)
    }

    // MARK: - Tables

    /// `f(lookUp(table, indices)) = lookUp(f(table), indices)` for what works on each row by itself, with everything else of the model's rate.
    private func tabulated(_ operation: Operation, _ x: Tensor, _ others: ArraySlice<Tensor>) -> Tensor? {
        switch operation {
        case .mish, .gelu, .scale, .clamp, .cast, .sinusoidalEmbedding: break
        case .linear where x.shape.rank > 1, .layerNorm where x.shape.rank > 1: break
        case .add where others.allSatisfy({ isAlike($0.shape, inEachRowOf: x.shape) }): break
        default: return nil
        }
        guard others.allSatisfy({ builder.rate(of: $0) == .model }), let (table, indices) = table(of: x) else {
            return nil
        }
        let result = record(operation, [table] + others)[0]
        let (rows, row) = (result.shape[0], result.shape.dimensions.dropFirst())
        return result.reshaped(to: [rows, row.reduce(1, *)]).rows(at: indices)
            .reshaped(to: Shape([x.shape[0]] + row))
    }

    /// Whether a tensor of this shape is the same for every row of `[batch, …]` when it is broadcast to it.
    private func isAlike(_ shape: Shape, inEachRowOf x: Shape) -> Bool {
        shape.broadcast(with: x) == x && (shape.rank < x.rank || shape[0] == 1)
    }

    /// The table `[rows, …]` of the model's rate and the indices `[batch]` whose rows a tensor `[batch, …]` is, if it is that.
    private func table(of tensor: Tensor) -> (table: Tensor, indices: Tensor)? {
        let (operation, inputs) = builder.origin(of: tensor)
        switch operation {
        case .lookUp where builder.rate(of: inputs[0]) == .model && builder.rate(of: tensor) > .model:
            return (inputs[0], inputs[1])
        case .slice(let axis, let range) where axis > 0:
            return table(of: inputs[0]).map { ($0.table.slice(axis: axis, range), $0.indices) }
        case .reshape(let shape) where shape.dimensions.first == inputs[0].shape.dimensions.first:
            return table(of: inputs[0]).map {
                ($0.table.reshaped(to: Shape([$0.table.shape[0]] + shape.dimensions.dropFirst())), $0.indices)
            }
        default:
            return nil
        }
    }
}
