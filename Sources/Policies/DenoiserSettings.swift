import PolicyInterface
import PolicyNetworks

/// The settings of a kind of network, and how a policy uses such networks: all that distinguishes one denoiser from another.
protocol DenoiserSettings: Codable, Sendable, Hashable {
    /// The network for what a policy needs.
    /// - Throws: `InvalidSetting` when the network cannot have these settings; `recipeKeys` translates its key.
    func denoiser(for need: DenoiserNeed) throws -> any Denoiser

    /// Checks that a network can have these settings, without making it.
    /// - Throws: `InvalidSetting`, as `denoiser(for:)`.
    func validate(for need: DenoiserNeed) throws

    /// The same network so many times as wide.
    func widened(by factor: Int) -> Self

    /// The keys that stand in a recipe for the names of settings of the network.
    static var recipeKeys: [String: String] { get }

    /// What the network is, for people, in half a line.
    var summary: String { get }
}

/// What a policy needs of its network.
struct DenoiserNeed {
    /// Components of what is denoised.
    var channels: Int
    /// Lengths of the windows.
    var horizon: Horizon
    /// Components of each of the `To` observations that condition the whole sequence, if they do.
    var global: Int?
    /// Components of what conditions each time, if anything does.
    var local: Int?
}
