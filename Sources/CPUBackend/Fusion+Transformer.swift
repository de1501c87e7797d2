internal import TensorGraph

/// What one kernel of a transformer computes beside its operation.
enum FusedTransformer: Hashable {
    /// GELU, then dropout; inputs: x, the run's key.
    case geluDropout(DropoutMask)
    /// The gradient of both with respect to x; inputs: x, the output's gradient, the run's key.
    case geluDropoutGradient(DropoutMask)
    /// Dropout, then the sum with a residual; inputs: x, the residual, which is in the format of the result, the run's key.
    case dropoutSum(DropoutMask)
    /// The gradients of layer normalisation, that of x with what comes to x by other ways; inputs: x, gain, the output's gradient, the
    /// other gradient of x, which is in the format of x and of its gradient; results: those of x, gain and bias.
    case layerNormGradientSum(epsilon: Float)
}

// MARK: - Patterns of transformers

extension Fusion {
    /// Dropout with the GELU before it or the sum after it, the same in the gradients, and the two ways by which the gradient of a
    /// normalised residual stream comes.
    ///
    /// In between, nothing is rounded or kept: masks and normal distributions are computed again.
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
