import DPBase

/// Rollouts in a simulator during training.
///
/// They select among checkpoints, so their seeds differ from those of the final test.
///
/// ```swift
/// var rollouts = RolloutConfiguration()
/// rollouts.interval = 2_000
/// rollouts.episodes = 32
/// var recipe = try RecipeFile.read("pusht-demo")
/// recipe.training.rollouts = rollouts
/// ```
public struct RolloutConfiguration: Codable, Sendable, Hashable {
    /// The number of updates between rollouts.
    public var interval = 1_000
    /// The number of episodes.
    public var episodes = 16
    /// The seed of the first episode; the others follow.
    public var seed: UInt64 = 200_000

    /// Creates a configuration with the defaults.
    public init() {}

    /// Checks that the interval and the number of episodes are positive.
    /// - Throws: `InputError`.
    package func validate() throws {
        for (key, value) in [("interval", interval), ("episodes", episodes)] where value < 1 {
            throw InputError(key: key, expected: "1 or more", found: value)
        }
    }
}
