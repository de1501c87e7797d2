extension Graph {
    /// Returns the same computation with every value computed as rarely as possible.
    ///
    /// Values that depend only on the diffusion step become a table over all steps, computed once per model. Values
    /// that depend only on the observation are separated from those that depend on both and computed once per
    /// chunk. For values that depend on both, each denoising step only selects rows by index and adds them. Sums
    /// may be rounded differently than in the original graph. A graph whose values all change at one rate, as in
    /// training, stays unchanged.
    package func hoisted() -> Graph {
        rewritten { operation, inputs, builder in Hoisting(builder: builder).record(operation, inputs) }
            .mergingIndexSelects()
    }
}

/// Records operations in a form whose parts change as rarely as possible.
private struct Hoisting {
    let builder: GraphBuilder

    func record(_ operation: TensorOperation, _ inputs: [Tensor]) -> [Tensor] {
        let result = inputs.first.flatMap {
            distributed(operation, over: $0, inputs.dropFirst()) ?? tabulated(operation, $0, inputs.dropFirst())
        }
        return result.map { [$0] } ?? builder.apply(operation, inputs)
    }

    // MARK: - Parts that change at different rates

    /// Applies an operation to each part of a concatenation whose parts change at different rates.
    ///
    /// Elementwise operations, and operations on rows that no part divides, satisfy
    /// `f(concatenate(a, b)) = concatenate(f(a), f(b))`. A product over the axis of the parts satisfies
    /// `linear(concatenate(a, b), W, bias) = linear(a, W[:, a], bias) + linear(b, W[:, b])`. Returns nil if neither
    /// applies or if all parts change at one rate.
    private func distributed(_ operation: TensorOperation, over x: Tensor, _ others: ArraySlice<Tensor>) -> Tensor? {
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

    /// Returns the sum of the products of each part with its columns of the weight.
    ///
    /// The bias goes to the part that changes least often.
    private func product(of parts: [Tensor], _ weightAndBias: ArraySlice<Tensor>) -> Tensor? {
        guard let weight = weightAndBias.first else { return nil }
        var start = 0
        let columns = parts.map { part in
            defer { start += part.shape.last }
            return weight.slice(axis: 1, start..<start + part.shape.last)
        }
        // The least frequent part first, so that a sum of rarely changing values is not recomputed at a faster
        // rate.
        var bias = Array(weightAndBias.dropFirst())
        let products = zip(parts, columns).sorted { builder.rate(of: $0.0) < builder.rate(of: $1.0) }.map {
            defer { bias = [] }
            return record(.linear, [$0, $1] + bias)[0]
        }
        return products.dropFirst().reduce(products[0], +)
    }

    // MARK: - Tables

    /// Applies an operation to a table before its rows are selected:
    /// `f(indexSelect(table, indices)) = indexSelect(f(table), indices)`.
    ///
    /// This holds for operations on each row alone whose other inputs change only with the weights. Returns nil for
    /// others.
    private func tabulated(_ operation: TensorOperation, _ x: Tensor, _ others: ArraySlice<Tensor>) -> Tensor? {
        switch operation {
        case .mish, .gelu, .scale, .clamp, .cast, .sinusoidalEmbedding: break
        case .linear where x.shape.rank > 1, .layerNorm where x.shape.rank > 1: break
        case .add where others.allSatisfy({ isAlike($0.shape, inEachRowOf: x.shape) }): break
        default: return nil
        }
        guard others.allSatisfy({ builder.rate(of: $0) == .weights }), let (table, indices) = table(of: x) else {
            return nil
        }
        let result = record(operation, [table] + others)[0]
        let (rows, row) = (result.shape[0], result.shape.dimensions.dropFirst())
        return result.reshaped(to: [rows, row.reduce(1, *)]).rows(at: indices)
            .reshaped(to: Shape([x.shape[0]] + row))
    }

    /// Returns whether a tensor of this shape, broadcast to `[batch, …]`, is the same for every row.
    private func isAlike(_ shape: Shape, inEachRowOf x: Shape) -> Bool {
        shape.broadcast(with: x) == x && (shape.rank < x.rank || shape[0] == 1)
    }

    /// Returns the table `[rows, …]`, which changes only with the weights, and the indices `[batch]` of the rows
    /// that make up a tensor `[batch, …]`; nil if the tensor has no such form.
    private func table(of tensor: Tensor) -> (table: Tensor, indices: Tensor)? {
        let (operation, inputs) = builder.origin(of: tensor)
        switch operation {
        case .indexSelect where builder.rate(of: inputs[0]) == .weights && builder.rate(of: tensor) > .weights:
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
