package import DPBase

/// A split of episodes into training and validation, determined by a random key alone.
package struct EpisodeSplit: Sendable, Equatable {
    /// The training episodes, in ascending order.
    package let training: [Int]
    /// The validation episodes, in ascending order; empty for a ratio of 0.
    package let validation: [Int]

    /// Splits episodes as the reference implementation does: with a ratio above 0 and at least two episodes, each
    /// side gets at least one.
    /// - Parameters:
    ///   - episodeCount: the number of episodes, at least 1.
    ///   - validationRatio: the fraction of episodes for validation, in `0 ..< 1`.
    ///   - maximumTrainingEpisodes: the maximum number of training episodes; no cap by default. It does not affect
    ///     the choice of validation episodes.
    ///   - key: determines the choice.
    /// - Throws: `InputError` when a number is out of range.
    package init(
        episodeCount: Int, validationRatio: Double = 0, maximumTrainingEpisodes: Int? = nil, key: RandomKey
    ) throws {
        guard 0..<1 ~= validationRatio, episodeCount >= 1, maximumTrainingEpisodes ?? 1 >= 1 else {
            let cap = maximumTrainingEpisodes.map { "\($0)" } ?? "no cap"
            throw InputError(
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
