internal import DPGraph

/// The operations that one normalization kernel for images includes.
struct FusedImageNorm: Hashable {
    var groups: Int
    var epsilon: Float
    /// The graph's value of the normalized pixels; its gradient uses the same statistics.
    var normal: Value
    var hasResidual = false
    var hasReLU = false
}

// MARK: - Patterns of images

// The graph normalizes an image as a sequence of its pixels, so two reshapes, which cost nothing, separate the
// operations to fuse.

extension Fusion {
    /// Fuses normalization, the sum with a residual and ReLU.
    mutating func fuseImageNorms() {
        for (index, node) in graph.nodes.enumerated() {
            guard case .groupNorm(let groups, let epsilon) = node.operation, isImage(node.inputs[0]) else { continue }
            var fused = FusedImageNorm(groups: groups, epsilon: epsilon, normal: Value(node: index))
            var (inputs, absorbed, result) = (node.inputs, [index], Value(node: index))
            if let image = onlyUser(of: result), case .reshape = graph.nodes[image].operation,
                let next = onlyUser(of: Value(node: image))
            {
                if graph.nodes[next].operation == .relu {
                    fused.hasReLU = true
                    absorbed += [image, next]
                    result = Value(node: next)
                } else if let residual = residual(next, of: Value(node: image)),
                    let relu = onlyUser(of: Value(node: next)), graph.nodes[relu].operation == .relu
                {
                    (fused.hasResidual, fused.hasReLU) = (true, true)
                    inputs.append(residual)
                    absorbed += [image, next, relu]
                    result = Value(node: relu)
                }
            }
            add(.imageNorm(fused), inputs, results: [result], absorbing: absorbed)
        }
    }

    /// Fuses the gradients of a normalization and of the ReLU after it.
    mutating func fuseImageNormGradients() {
        for (index, node) in graph.nodes.enumerated() {
            guard case .groupNormGradient(let groups, let epsilon) = node.operation, isImage(node.inputs[0]),
                let normal = users(of: node.inputs[0]).first(where: { user in
                    user >= 0 && graph.nodes[user].operation == .groupNorm(groups: groups, epsilon: epsilon)
                        && graph.nodes[user].inputs[1] == node.inputs[1]
                })
            else { continue }
            var fused = FusedImageNorm(groups: groups, epsilon: epsilon, normal: Value(node: normal))
            var inputs = node.inputs
            var results: [Value?] = (0..<3).map { Value(node: index, result: $0) }
            var absorbed = [index]
            if let relu = reluGradient(of: inputs[2]), stepOfNode[relu] == nil {
                fused.hasReLU = true
                inputs = [inputs[0], inputs[1], graph.nodes[relu].inputs[1], graph.nodes[relu].inputs[0]]
                results.append(Value(node: relu))
                absorbed.append(relu)
            }
            add(.imageNormGradient(fused), inputs, results: results, absorbing: absorbed)
        }
    }

    /// Returns whether a value holds the pixels of an image.
    private func isImage(_ pixels: Value) -> Bool {
        let pixels = original(ofUpcast: pixels) ?? pixels
        guard case .reshape = operation(pixels) else { return false }
        return graph.type(of: inputs(pixels)[0]).shape.rank == 4
    }

    /// Returns the node of the ReLU gradient whose pixels a value holds.
    ///
    /// The value may be rounded in between, which changes nothing if the gradient that ReLU passes on is already
    /// rounded.
    private func reluGradient(of pixels: Value) -> Int? {
        let rounded = original(ofUpcast: pixels)
        let moved = rounded ?? pixels
        guard case .reshape = operation(moved) else { return nil }
        var image = inputs(moved)[0]
        if rounded != nil {
            guard case .cast(to: .bfloat16) = operation(image) else { return nil }
            image = inputs(image)[0]
        }
        guard case .reluGradient = operation(image) else { return nil }
        return rounded == nil || original(ofUpcast: inputs(image)[1]) != nil ? image.node : nil
    }
}
