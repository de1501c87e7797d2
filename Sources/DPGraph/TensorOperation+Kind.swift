extension TensorOperation {
    /// How an operation treats the precision of its inputs.
    package enum Kind {
        /// The result is provided, not computed.
        case source
        /// Elements are only moved, so every precision is supported.
        case movement
        /// The first two inputs are multiplied and the products summed: operands of either precision, result in
        /// float32.
        case product
        /// A product that is the gradient of weights.
        case weightGradient
        /// A loss, whose inputs keep full precision.
        case loss
        /// Everything else, computed in float32.
        case other
    }

    /// The kind of the operation; exhaustive, so that every new operation is classified.
    package var kind: Kind {
        switch self {
        case .input, .parameter, .constant: .source
        case .reshape, .concatenate, .slice, .pad, .broadcast: .movement
        case .linear, .linearInputGradient, .convolution1D, .transposedConvolution1D, .convolution2D,
            .convolution2DInputGradient:
            .product
        case .linearWeightGradient, .convolution1DWeightGradient, .convolution2DWeightGradient: .weightGradient
        case .meanSquaredError, .meanSquaredErrorGradient: .loss
        case .sum, .add, .subtract, .multiply, .scale, .clamp, .mish, .mishGradient, .cast, .gelu, .geluGradient,
            .dropout, .groupNorm, .groupNormGradient, .film, .filmGradient, .layerNorm, .layerNormGradient, .attention,
            .attentionGradient, .relu, .reluGradient, .maxPooling2D, .maxPooling2DGradient, .spatialSoftmax,
            .spatialSoftmaxGradient, .sinusoidalEmbedding, .indexSelect:
            .other
        }
    }

    /// Whether the operation is a product, of weights or for their gradients.
    package var isProduct: Bool { kind == .product || kind == .weightGradient }

    /// Whether the operation only moves elements.
    package var isMovement: Bool { kind == .movement }

    /// Whether the result is provided, not computed.
    var isSource: Bool { kind == .source }

    /// Whether the operation is a loss.
    var isLoss: Bool { kind == .loss }
}
