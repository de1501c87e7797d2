import PolicyInterface
import PolicyNetworks

/// Which network removes the noise, with its own settings.
///
/// Encoded flat, under the network's name: `{name: unet, widths: [64, 128, 256], …}`.
public enum DenoiserConfiguration: Sendable, Hashable {
    /// A convolutional U-Net over time after Janner et al. 2022.
    case unet(UNet = UNet())

    /// The settings of a U-Net over time.
    public struct UNet: Sendable, Hashable {
        /// Channels of each level, the finest first; 64, 128 and 256 by default.
        ///
        /// Each level but the last halves the time.
        public var widths: [Int]
        /// Width of the convolutions over time, odd; 5 by default.
        public var kernelSize: Int
        /// Groups of the group normalisation; 8 by default.
        public var groups: Int
        /// Length of the embedding of the diffusion step, even; 256 by default.
        public var stepEmbedding: Int
        /// Whether conditioning scales the channels beside shifting them; true by default.
        public var conditionsScale: Bool

        /// The small network of the paper's Push-T experiment by default: 5.4 million parameters.
        public init(
            widths: [Int] = [64, 128, 256], kernelSize: Int = 5, groups: Int = 8, stepEmbedding: Int = 256,
            conditionsScale: Bool = true
        ) {
            self.widths = widths
            self.kernelSize = kernelSize
            self.groups = groups
            self.stepEmbedding = stepEmbedding
            self.conditionsScale = conditionsScale
        }
    }

    /// Checks the settings of the network, and that it can work on sequences of a length.
    /// - Throws: `InvalidSetting`, which says what works.
    public func validate(predictionHorizon length: Int) throws {
        switch self {
        case .unet(let settings):
            try inRecipeTerms {
                let configuration = settings.configuration(channels: 1, global: nil, local: nil)
                try configuration.validate()
                try configuration.validate(predictionHorizon: length)
            }
        }
    }

    /// The network for samples of `channels` components.
    /// - Parameters:
    ///   - global: components of the conditioning vector `[batch, global]`, if there is one.
    ///   - local: components of the conditioning sequence `[batch, Tp, local]`, if there is one.
    /// - Throws: `InvalidSetting` when the network cannot have these settings.
    func denoiser(channels: Int, global: Int?, local: Int?) throws -> any Denoiser {
        switch self {
        case .unet(let settings):
            try inRecipeTerms {
                try ConditionalUNet1D(settings.configuration(channels: channels, global: global, local: local))
            }
        }
    }

    /// Names a setting that a network refuses by the key that stands for it in a recipe.
    private func inRecipeTerms<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as InvalidSetting {
            let keys = [
                "downDimensions": "denoiser.widths", "kernelSize": "denoiser.kernel_size",
                "groups": "denoiser.groups", "stepEmbeddingDimension": "denoiser.step_embedding",
                "inputDimension": "action.dimension",
                "globalConditioningDimension": "observations (all To together)",
                "localConditioningDimension": "observations",
            ]
            let name = error.key.prefix { $0 != "[" }
            guard let key = keys[String(name)] else { throw error }
            throw InvalidSetting(
                key: key + error.key.dropFirst(name.count), expected: error.expected, found: error.found)
        }
    }
}

extension DenoiserConfiguration.UNet {
    fileprivate func configuration(channels: Int, global: Int?, local: Int?) -> ConditionalUNet1D.Configuration {
        ConditionalUNet1D.Configuration(
            inputDimension: channels, localConditioningDimension: local, globalConditioningDimension: global,
            stepEmbeddingDimension: stepEmbedding, downDimensions: widths, kernelSize: kernelSize, groups: groups,
            conditionsScale: conditionsScale)
    }
}

extension DenoiserConfiguration: Codable {
    private enum Name: String, Codable, CaseIterable {
        case unet
    }

    private enum CodingKeys: String, CodingKey {
        case name
    }

    /// Reads the network's name, then its settings from the same object.
    public init(from decoder: any Decoder) throws {
        switch try decoder.container(keyedBy: CodingKeys.self).decode(Name.self, forKey: .name) {
        case .unet: self = .unet(try UNet(from: decoder))
        }
    }

    /// Writes the network's name and its settings into one object.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .unet(let settings):
            try fields.encode(Name.unet, forKey: .name)
            try settings.encode(to: encoder)
        }
    }
}

extension DenoiserConfiguration.UNet: Codable {
    private enum CodingKeys: String, CodingKey {
        case widths
        case kernelSize = "kernel_size"
        case groups
        case stepEmbedding = "step_embedding"
        case conditionsScale = "conditions_scale"
    }
}
