public import PolicyInterface
import PolicyNetworks

/// Which network removes the noise, with its own settings.
///
/// Encoded flat, under the network's name: `{name: unet, widths: [64, 128, 256], …}`.
public enum DenoiserConfiguration: Sendable, Hashable {
    /// A convolutional U-Net over time after Janner et al. 2022.
    case unet(UNet = UNet())
    /// A transformer over noisy actions that attends to step and observations, after minGPT.
    case transformer(Transformer = Transformer())

    /// The settings of the network, whichever it is.
    private var settings: any DenoiserSettings {
        switch self {
        case .unet(let settings): settings
        case .transformer(let settings): settings
        }
    }

    /// What the network is, for people, in half a line.
    public var summary: String { settings.summary }

    /// Checks the settings of the network, and that it can work on windows of these lengths, conditioned in this way.
    /// - Throws: `InvalidSetting`, which says what works.
    public func validate(horizon: Horizon, conditioning: Conditioning) throws {
        let need = DenoiserNeed(
            channels: 1, horizon: horizon, global: conditioning == .global ? 1 : nil,
            local: conditioning == .local ? 1 : nil)
        try inRecipeTerms { try settings.validate(for: need) }
    }

    /// The network for what a policy needs.
    /// - Throws: `InvalidSetting` when the network cannot have these settings.
    func denoiser(for need: DenoiserNeed) throws -> any Denoiser {
        try inRecipeTerms { try settings.denoiser(for: need) }
    }

    /// The same network so many times as wide, to see how cost grows.
    public func widened(by factor: Int) -> DenoiserConfiguration {
        switch self {
        case .unet(let settings): .unet(settings.widened(by: factor))
        case .transformer(let settings): .transformer(settings.widened(by: factor))
        }
    }

    /// Names a setting that a network refuses by the key that stands for it in a recipe.
    private func inRecipeTerms<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as InvalidSetting {
            let name = error.key.prefix { $0 != "[" }
            guard let key = type(of: settings).recipeKeys[String(name)] else { throw error }
            throw InvalidSetting(
                key: key + error.key.dropFirst(name.count), expected: error.expected, found: error.found)
        }
    }
}

extension DenoiserConfiguration: Codable {
    private enum Name: String, Codable, CaseIterable {
        case unet
        case transformer
    }

    private enum CodingKeys: String, CodingKey {
        case name
    }

    /// Reads the network's name, then its settings from the same object.
    public init(from decoder: any Decoder) throws {
        switch try decoder.container(keyedBy: CodingKeys.self).decode(Name.self, forKey: .name) {
        case .unet: self = .unet(try UNet(from: decoder))
        case .transformer: self = .transformer(try Transformer(from: decoder))
        }
    }

    /// Writes the network's name and its settings into one object.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        let name: Name =
            switch self {
            case .unet: .unet
            case .transformer: .transformer
            }
        try fields.encode(name, forKey: .name)
        try settings.encode(to: encoder)
    }
}
