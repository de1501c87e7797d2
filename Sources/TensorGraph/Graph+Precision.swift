extension Graph {
    /// The same computation with the operands of its products rounded to a precision.
    ///
    /// A product of bfloat16 operands is exact but for its float32 sum, so all that is lost stands in the graph as a `cast`, and a backend may fuse
    /// casts into what makes or reads a value but not add or leave out any. This is training in mixed precision (Micikevicius et al. 2018):
    /// - a product's two operands are cast, its bias and its result are float32;
    /// - a value that a product reads is stored once, rounded, and every other reader gets what is left of it;
    /// - the result of a product over sequences is stored rounded as well, unless a loss reads it, and so are images (`storedImages`);
    /// - parameters, outputs, gradients of parameters and everything else stay in float32;
    /// - movement of rounded values moves them as they are, but rows of a parameter are rounded where they are read, as parameters are.
    ///
    /// The pass runs on the finished graph, after differentiation, so gradients flow through rounded products too.
    public func withProducts(in precision: Precision) -> Graph {
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

    /// The values that are stored rounded, for all who read them.
    private func roundedValues() -> Set<Value> {
        let exact = Set(outputs.map(\.value) + gradients.map(\.value))
        var rounded = Set<Value>()
        func round(_ value: Value) {
            if !exact.contains(value), !nodes[value.node].operation.isSource, !isPartOfParameter(value) {
                rounded.insert(value)
            }
        }
        storedImages().forEach(round)
        // Backwards, so that what reads a value is known before what made it.
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

    /// Whether a value is a parameter, or rows of one, which lie in it in one piece.
    public func isPartOfParameter(_ value: Value) -> Bool {
        switch nodes[value.node].operation {
        case .parameter: true
        case .slice(axis: 0, _): isPartOfParameter(nodes[value.node].inputs[0])
        default: false
        }
    }

    /// Whether a node is a product over sequences or images; those over vectors are small, and so are gradients of weights.
    private func makesSequences(_ node: Node) -> Bool {
        switch node.operation {
        case .linear, .linearInputGradient, .convolution1D, .transposedConvolution1D, .convolution2D,
            .convolution2DInputGradient:
            node.results[0].shape.rank >= 3
        default: false
        }
    }
}

extension Tensor {
    /// Whether this is a tensor of another precision as float32.
    fileprivate func isUpcast(from precision: Precision) -> Bool {
        let origin = builder.origin(of: self)
        return origin.operation == .cast(to: .float32) && origin.inputs[0].type.precision == precision
    }

    /// The tensor in a precision: the original of an upcast, or a cast.
    fileprivate func downcast(to precision: Precision) -> Tensor {
        isUpcast(from: precision) ? builder.origin(of: self).inputs[0] : cast(to: precision)
    }
}

extension Operation {
    /// Whether this multiplies its first two inputs and sums: operands of either precision, result in float32.
    public var isProduct: Bool {
        switch self {
        case .linear, .linearInputGradient, .linearWeightGradient, .convolution1D, .transposedConvolution1D,
            .convolution1DWeightGradient, .convolution2D, .convolution2DInputGradient, .convolution2DWeightGradient:
            true
        default: false
        }
    }

    /// Whether this puts elements elsewhere and computes nothing, so that any precision will do.
    public var isMovement: Bool {
        switch self {
        case .reshape, .concatenate, .slice, .place, .broadcast: true
        default: false
        }
    }

    /// Whether this is given, not computed.
    var isSource: Bool {
        switch self {
        case .input, .parameter, .constant: true
        default: false
        }
    }

    /// Whether this judges a prediction, which deserves all digits.
    fileprivate var isLoss: Bool {
        switch self {
        case .meanSquaredError, .meanSquaredErrorGradient: true
        default: false
        }
    }
}
