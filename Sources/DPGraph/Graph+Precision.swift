extension Graph {
    /// Returns the same computation with the operands of its products rounded to a precision.
    ///
    /// A product of bfloat16 operands is exact except for its float32 sum, so every loss of precision appears in
    /// the graph as a `cast`. A backend may fuse casts into the kernels that produce or read a value, but must not
    /// add or remove any. This is mixed-precision training (Micikevicius et al. 2018):
    /// - A product's two operands are cast; its bias and its result are float32.
    /// - A value that a product reads is stored once, rounded, and every other reader receives the rounded value.
    /// - The result of a product over sequences is also stored rounded, unless a loss reads it. So are images
    ///   (`storedImages`).
    /// - Parameters, outputs, gradients of parameters and everything else stay in float32.
    /// - Movement operations move rounded values as they are, but rows of a parameter are rounded where they are
    ///   read, as parameters are.
    ///
    /// The pass runs on the finished graph, after differentiation, so gradients also flow through rounded products.
    package func withProducts(in precision: Precision) -> Graph {
        guard precision != .float32 else { return self }
        let rounded = roundedValues()
        var index = -1
        return rewritten { operation, inputs, builder in
            index += 1
            let first = Value(node: index)
            if operation.isMovement, rounded.contains(first) || inputs.allSatisfy({ $0.isUpcast(from: precision) }) {
                return builder.apply(operation, inputs.map { $0.downcast(to: precision) })
                    .map { $0.cast(to: .float32) }
            }
            var operands = inputs
            if operation.isProduct { for side in 0..<2 { operands[side] = inputs[side].downcast(to: precision) } }
            return builder.apply(operation, operands).enumerated().map { result, tensor in
                guard rounded.contains(Value(node: index, result: result)) else { return tensor }
                return tensor.cast(to: precision).cast(to: .float32)
            }
        }
    }

    /// Returns the values that are stored rounded for all their readers.
    private func roundedValues() -> Set<Value> {
        let exact = Set(outputs.map(\.value) + gradients.map(\.value))
        var rounded = Set<Value>()
        func round(_ value: Value) {
            if !exact.contains(value), !nodes[value.node].operation.isSource, !isPartOfParameter(value) {
                rounded.insert(value)
            }
        }
        storedImages().forEach(round)
        // Backward, so that the readers of a value are visited before the node that produces it.
        for (index, node) in nodes.enumerated().reversed() {
            if node.operation.isProduct {
                node.inputs.prefix(2).forEach(round)
            } else if node.operation.isMovement {
                if rounded.contains(Value(node: index)) { node.inputs.forEach(round) }
            } else if !node.operation.isLoss {
                for input in node.inputs where makesSequences(nodes[input.node]) { round(input) }
            }
        }
        return rounded
    }

    /// Returns whether a value is a parameter or contiguous rows of one.
    package func isPartOfParameter(_ value: Value) -> Bool {
        switch nodes[value.node].operation {
        case .parameter: true
        case .slice(axis: 0, _): isPartOfParameter(nodes[value.node].inputs[0])
        default: false
        }
    }

    /// Returns whether a node is a product over sequences or images.
    ///
    /// Products over vectors are small, and so are gradients of weights.
    private func makesSequences(_ node: Node) -> Bool {
        node.operation.kind == .product && node.results[0].shape.rank >= 3
    }
}

extension Tensor {
    /// Returns whether this tensor is the float32 cast of a tensor in the given precision.
    fileprivate func isUpcast(from precision: Precision) -> Bool {
        let origin = builder.origin(of: self)
        return origin.operation == .cast(to: .float32) && origin.inputs[0].type.precision == precision
    }

    /// Returns the tensor in a precision: the original of an upcast, or a cast.
    fileprivate func downcast(to precision: Precision) -> Tensor {
        isUpcast(from: precision) ? builder.origin(of: self).inputs[0] : cast(to: precision)
    }
}
