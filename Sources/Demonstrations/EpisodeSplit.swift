public import PolicyInterface

/// Which episodes train a policy and which validate it, chosen by a random key alone.
public struct EpisodeSplit: Sendable, Equatable {
    /// The episodes to train on, rising.
    public let training: [Int]
    /// The episodes to validate on, rising; empty for a ratio of 0.
    public let validation: [Int]

    /// Splits episodes, as the reference does: at least one on either side when the ratio is above 0 and there are
    /// two or more.
    /// - Parameters:
    ///   - episodeCount: how many episodes there are, at least 1.
    ///   - validationRatio: the part that validates, in `0 ..< 1`.
    ///   - maximumTrainingEpisodes: how many episodes train at most; no cap by default. Which episodes validate does
    ///     not depend on it.
    ///   - key: decides the choice.
    /// - Throws: `InvalidSetting` when a number is out of range.
    public init(
        episodeCount: Int, validationRatio: Double = 0, maximumTrainingEpisodes: Int? = nil, key: RandomKey
    ) throws {
        guard 0..<1 ~= validationRatio, episodeCount >= 1, maximumTrainingEpisodes ?? 1 >= 1 else {
            let cap = maximumTrainingEpisodes.map { "\($0)" } ?? "no cap"
            throw InvalidSetting(
                key: "split of episodes",
                expected: "at least 1 episode, a validation ratio in 0 ..< 1 and a cap of at least 1",
                found: "\(episodeCount), \(validationRatio) and \(cap)")
        }
        let wanted = validationRatio == 0 ? 0 : max(1, Int((Double(episodeCount) * validationRatio).rounded()))
        let order = key.permutation(count: episodeCount)
        let held = order.prefix(min(wanted, episodeCount - 1))
        validation = held.sorted()
        training = order.dropFirst(held.count).prefix(maximumTrainingEpisodes ?? episodeCount).sorted()
    }
}
