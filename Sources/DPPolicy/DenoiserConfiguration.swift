import DPBase
package import DPInterface
import DPNetworks

/// The network that removes the noise, and its settings.
///
/// Encoded as one object with the network's name: `{name: unet, widths: [64, 128, 256], …}`.
///
/// ```swift
/// var recipe = try RecipeFile.read("pusht-lowdim")
/// recipe.policy.denoiser = .transformer()  // instead of the U-Net
/// ```
public enum DenoiserConfiguration: Sendable, Hashable {
    /// A convolutional U-Net over time, based on Janner et al. 2022.
    case unet(UNet = UNet())
    /// A transformer over noisy actions that attends to step and observations, based on minGPT.
    case transformer(Transformer = Transformer())

    /// Every network, with its default settings.
    package static let choices: [DenoiserConfiguration] = [.unet(), .transformer()]

    /// The settings of the selected network.
    private var settings: any DenoiserSettings {
        switch self {
        case .unet(let settings): settings
        case .transformer(let settings): settings
        }
    }

    /// A short human-readable summary of the network.
    package var summary: String { settings.summary }

    /// Checks the settings of the network and whether it supports the horizon and the conditioning.
    /// - Throws: `InputError`, which states the valid values.
    package func validate(horizon: Horizon, conditioning: Conditioning) throws {
        let need = DenoiserShape(
            channels: 1, horizon: horizon, global: conditioning == .global ? 1 : nil,
            local: conditioning == .local ? 1 : nil)
        try inRecipeTerms { try settings.validate(for: need) }
    }

    /// Returns the network for the given shape.
    /// - Throws: `InputError` when the settings are invalid for the network.
    func denoiser(for need: DenoiserShape) throws -> any Denoiser {
        try inRecipeTerms { try settings.denoiser(for: need) }
    }

    /// Returns the same network, `factor` times as wide, to measure how cost grows.
    package func widened(by factor: Int) -> DenoiserConfiguration {
        switch self {
        case .unet(let settings): .unet(settings.widened(by: factor))
        case .transformer(let settings): .transformer(settings.widened(by: factor))
        }
    }

    /// Replaces the name of an invalid network setting in an error with the corresponding recipe key.
    private func inRecipeTerms<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as InputError {
            let name = String((error.key ?? "").prefix { $0 != "[" })
            guard let key = type(of: settings).recipeKeys[name] else { throw error }
            var renamed = error
            renamed.key = key + (error.key ?? "").dropFirst(name.count)
            throw renamed
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
        var container = encoder.container(keyedBy: CodingKeys.self)
        let name: Name =
            switch self {
            case .unet: .unet
            case .transformer: .transformer
            }
        try container.encode(name, forKey: .name)
        try settings.encode(to: encoder)
    }
}
