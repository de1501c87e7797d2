internal import DPGraph

/// The operations that one transformer kernel computes together.
enum FusedTransformer: Hashable {
    /// GELU, then dropout; inputs: x, the run's key.
    case geluDropout(DropoutMask)
    /// The gradient of both with respect to x; inputs: x, the output's gradient, the run's key.
    case geluDropoutGradient(DropoutMask)
    /// Dropout, then the sum with a residual; inputs: x, the residual in the format of the result, the run's key.
    case dropoutSum(DropoutMask)
    /// The gradients of layer normalization, where the gradient of x that arrives on other paths is added to that
    /// of x; inputs: x, gain, the output's gradient, the other gradient of x, in the format of x and of its
    /// gradient; results: the gradients of x, gain and bias.
    case layerNormGradientSum(epsilon: Float)
}

// MARK: - Patterns of transformers

extension Fusion {
    /// Fuses dropout with the GELU before it or the sum after it, likewise in the gradients, and the two paths of
    /// the gradient of a normalized residual stream.
    ///
    /// Intermediate values are neither rounded nor kept: masks and normal distributions are recomputed.
    mutating func fuseTransformers() {
        for (index, node) in graph.nodes.enumerated() where stepOfNode[index] == nil {
            switch node.operation {
            case .dropout(let mask): fuse(mask, index)
            case .layerNormGradient(let epsilon): fuseLayerNormGradient(epsilon, index)
            default: continue
            }
        }
    }

    private mutating func fuse(_ mask: DropoutMask, _ index: Int) {
        let (x, key) = (graph.nodes[index].inputs[0], graph.nodes[index].inputs[1])
        if case .gelu = operation(x), onlyUser(of: x) == index {
            add(
                .transformer(.geluDropout(mask)), inputs(x) + [key], results: [Value(node: index)],
                absorbing: [x.node, index])
            return
        }
        guard let user = onlyUser(of: Value(node: index)) else { return }
        if case .geluGradient = graph.nodes[user].operation, graph.nodes[user].inputs[1].node == index {
            add(
                .transformer(.geluDropoutGradient(mask)), [graph.nodes[user].inputs[0], x, key],
                results: [Value(node: user)], absorbing: [index, user])
        } else if let residual = residual(user, of: Value(node: index)) {
            add(
                .transformer(.dropoutSum(mask)), [x, residual, key], results: [Value(node: user)],
                absorbing: [index, user])
        }
    }

    private mutating func fuseLayerNormGradient(_ epsilon: Float, _ index: Int) {
        let gradient = Value(node: index)
        guard let user = onlyUser(of: gradient), let other = residual(user, of: gradient) else { return }
        add(
            .transformer(.layerNormGradientSum(epsilon: epsilon)), graph.nodes[index].inputs + [other],
            results: [Value(node: user), Value(node: index, result: 1), Value(node: index, result: 2)],
            absorbing: [index, user])
    }
}
