import DPInterface
import DPNetworks

extension DenoiserConfiguration {
    /// The settings of a U-Net over time.
    ///
    /// ```swift
    /// var settings = DenoiserConfiguration.UNet(widths: [256, 512, 1024])
    /// settings.kernelSize = 3
    /// var recipe = try RecipeFile.read("custom-robot")
    /// recipe.policy.denoiser = .unet(settings)
    /// ```
    public struct UNet: Sendable, Hashable {
        /// Channels of each level, the finest first; 64, 128, and 256 by default.
        ///
        /// Each level except the last halves the sequence length.
        public var widths: [Int]
        /// Kernel size of the convolutions over time, odd; 5 by default.
        public var kernelSize: Int
        /// Groups of the group normalization; 8 by default.
        public var groups: Int
        /// Size of the embedding of the diffusion step, even; 256 by default.
        public var stepEmbedding: Int
        /// Whether conditioning scales the channels in addition to shifting them; true by default.
        public var condPredictScale: Bool

        /// Creates settings; the defaults are those of a small network, with 5.4 million parameters for Push-T.
        ///
        /// The paper's network is larger.
        public init(
            widths: [Int] = [64, 128, 256], kernelSize: Int = 5, groups: Int = 8, stepEmbedding: Int = 256,
            condPredictScale: Bool = true
        ) {
            self.widths = widths
            self.kernelSize = kernelSize
            self.groups = groups
            self.stepEmbedding = stepEmbedding
            self.condPredictScale = condPredictScale
        }
    }
}

extension DenoiserConfiguration.UNet: DenoiserSettings {
    static let recipeKeys = [
        "downDimensions": "denoiser.widths", "kernelSize": "denoiser.kernel_size", "groups": "denoiser.groups",
        "stepEmbeddingDimension": "denoiser.step_embedding", "inputDimension": "action.dimension",
        "globalConditioningDimension": "observations (all To together)", "localConditioningDimension": "observations",
    ]

    var summary: String { "U-Net of widths \(widths), kernel \(kernelSize), groups \(groups)" }

    func denoiser(for need: DenoiserShape) throws -> any Denoiser { try ConditionalUNet1D(configuration(for: need)) }

    func validate(for need: DenoiserShape) throws {
        let configuration = configuration(for: need)
        try configuration.validate()
        try configuration.validate(predictionHorizon: need.horizon.prediction)
    }

    func widened(by factor: Int) -> Self {
        var wide = self
        wide.widths = widths.map { factor * $0 }
        return wide
    }

    private func configuration(for need: DenoiserShape) -> ConditionalUNet1D.Configuration {
        ConditionalUNet1D.Configuration(
            inputDimension: need.channels, localConditioningDimension: need.local,
            globalConditioningDimension: need.global.map { need.horizon.observation * $0 },
            stepEmbeddingDimension: stepEmbedding, downDimensions: widths, kernelSize: kernelSize, groups: groups,
            condPredictScale: condPredictScale)
    }
}

extension DenoiserConfiguration.UNet: Codable {
    private enum CodingKeys: String, CodingKey {
        case widths
        case kernelSize = "kernel_size"
        case groups
        case stepEmbedding = "step_embedding"
        case condPredictScale = "cond_predict_scale"
    }
}
