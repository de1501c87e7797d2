import DPInterface
import DPNetworks

/// The settings of one kind of denoiser network, with the operations that differ between kinds.
protocol DenoiserSettings: Codable, Sendable, Hashable {
    /// Returns the network for the given shape.
    /// - Throws: `InputError` when the settings are invalid for the network; `recipeKeys` translates its key.
    func denoiser(for need: DenoiserShape) throws -> any Denoiser

    /// Checks that a network can have these settings, without building it.
    /// - Throws: `InputError`, like `denoiser(for:)`.
    func validate(for need: DenoiserShape) throws

    /// Returns the settings of the same network, `factor` times as wide.
    func widened(by factor: Int) -> Self

    /// The recipe keys of the network's settings, by the settings' names.
    static var recipeKeys: [String: String] { get }

    /// A short human-readable summary of the network.
    var summary: String { get }
}

/// The shape that a policy requires of its network.
struct DenoiserShape {
    /// Components of the denoised sample.
    var channels: Int
    /// Lengths of the windows.
    var horizon: Horizon
    /// Components of each of the `To` observations if they condition the whole sequence.
    var global: Int?
    /// Components of the condition of each time step, if any.
    var local: Int?
}
