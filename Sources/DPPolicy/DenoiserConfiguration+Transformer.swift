import DPBase
import DPInterface
import DPNetworks

extension DenoiserConfiguration {
    /// The settings of a transformer over noisy actions.
    ///
    /// ```swift
    /// var recipe = try RecipeFile.read("pusht-lowdim-transformer")
    /// recipe.policy.denoiser = .transformer(DenoiserConfiguration.Transformer(layers: 4, heads: 8, width: 512))
    /// ```
    public struct Transformer: Sendable, Hashable {
        /// Where the network receives the diffusion step.
        ///
        /// ```swift
        /// var recipe = try RecipeFile.read("pusht-lowdim")
        /// recipe.policy.conditioning = .inpainting  // a network with the step in a token has no memory
        /// recipe.policy.denoiser = .transformer(DenoiserConfiguration.Transformer(step: .token))
        /// ```
        public enum Step: String, Codable, Sendable, Hashable, CaseIterable {
            /// In a memory that the actions attend to.
            case condition
            /// In a token before the actions, for a network without a memory.
            case token
        }

        /// Number of layers; 8 by default.
        public var layers: Int
        /// Number of attention heads, a divisor of the width; 4 by default.
        public var heads: Int
        /// Size of a token, even; 256 by default.
        public var width: Int
        /// Number of layers that encode the memory; with 0, the default, an MLP encodes each token.
        public var conditionLayers: Int
        /// Whether attention is causal, so that an action does not attend to later time steps; true by default.
        public var isCausal: Bool
        /// Where the network receives the diffusion step; in the condition by default.
        public var step: Step
        /// Dropout probability of the embedded tokens in training; 0 by default.
        public var embeddingDropout: Float
        /// Dropout probability inside the layers in training; 0.01 by default.
        public var attentionDropout: Float

        /// Creates settings; the defaults are those of the published network for Push-T from keypoints, with 9
        /// million parameters.
        public init(
            layers: Int = 8, heads: Int = 4, width: Int = 256, conditionLayers: Int = 0, isCausal: Bool = true,
            step: Step = .condition, embeddingDropout: Float = 0, attentionDropout: Float = 0.01
        ) {
            self.layers = layers
            self.heads = heads
            self.width = width
            self.conditionLayers = conditionLayers
            self.isCausal = isCausal
            self.step = step
            self.embeddingDropout = embeddingDropout
            self.attentionDropout = attentionDropout
        }
    }
}

extension DenoiserConfiguration.Transformer: DenoiserSettings {
    static let recipeKeys = [
        "inputDimension": "action.dimension", "outputDimension": "action.dimension", "horizon": "horizon.prediction",
        "observationSteps": "horizon.observation", "observationDimension": "observations",
        "layers": "denoiser.layers", "heads": "denoiser.heads", "width": "denoiser.width",
        "embeddingDropout": "denoiser.embedding_dropout", "attentionDropout": "denoiser.attention_dropout",
        "step": "denoiser.step", "conditionLayers": "denoiser.condition_layers",
    ]

    var summary: String {
        """
        transformer of \(layers) layers, \(heads) heads, width \(width)\
        \(conditionLayers > 0 ? ", \(conditionLayers) layers for the condition" : "")\(isCausal ? ", causal" : "")
        """
    }

    func denoiser(for need: DenoiserShape) throws -> any Denoiser {
        try TransformerForDiffusion(configuration(for: need))
    }

    func validate(for need: DenoiserShape) throws { try configuration(for: need).validate() }

    /// Widens the tokens and adds heads; the width of each head stays the same.
    func widened(by factor: Int) -> Self {
        var wide = self
        (wide.width, wide.heads) = (factor * width, factor * heads)
        return wide
    }

    private func configuration(for need: DenoiserShape) throws -> TransformerForDiffusion.Configuration {
        guard need.local == nil else {
            throw InputError(
                key: "conditioning", expected: "global or inpainting, since a transformer's memory has no time axis",
                found: Conditioning.local.rawValue)
        }
        return TransformerForDiffusion.Configuration(
            inputDimension: need.channels, horizon: need.horizon.prediction,
            observationSteps: need.horizon.observation, observationDimension: need.global, layers: layers,
            heads: heads, width: width, embeddingDropout: embeddingDropout, attentionDropout: attentionDropout,
            isCausal: isCausal, step: step.placement, conditionLayers: conditionLayers)
    }
}

extension DenoiserConfiguration.Transformer.Step {
    /// The corresponding setting of the network.
    fileprivate var placement: TransformerForDiffusion.Configuration.StepPlacement {
        switch self {
        case .condition: .condition
        case .token: .token
        }
    }
}

extension DenoiserConfiguration.Transformer: Codable {
    private enum CodingKeys: String, CodingKey {
        case layers
        case heads
        case width
        case conditionLayers = "condition_layers"
        case isCausal = "causal"
        case step
        case embeddingDropout = "embedding_dropout"
        case attentionDropout = "attention_dropout"
    }
}
