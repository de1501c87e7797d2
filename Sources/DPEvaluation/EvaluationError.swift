/// Why an evaluation could not be carried out or read.
///
/// ```swift
/// do {
///     print(try Evaluator { PushTEnvironment(seed: $0) }.evaluate(chunkingPolicy).score)
/// } catch EvaluationError.actionRefused(let seed, let step, let reason) {
///     print("episode \(seed) ended at control step \(step):", reason)
/// }
/// ```
public enum EvaluationError: Error, Equatable, CustomStringConvertible {
    /// The policy returned a chunk without any action to execute.
    case emptyChunk(seed: UInt64, step: Int)
    /// The environment rejected an action.
    case actionRefused(seed: UInt64, step: Int, reason: String)
    /// The environment's reward is not a number.
    case rewardNotFinite(seed: UInt64, step: Int, reward: Float)
    /// Two results do not have the same episodes.
    case differentSeeds(first: [UInt64], second: [UInt64])
    /// Two results have the same seeds but different starts; nil is the environment's default seeding.
    case differentStarts(first: String?, second: String?)

    /// The location, the expected and found values, and a hint.
    public var description: String {
        switch self {
        case .emptyChunk(let seed, let step):
            "episode \(seed), step \(step): the policy returned a chunk with no action to execute; check its horizon"
        case .actionRefused(let seed, let step, let reason):
            "episode \(seed), step \(step): the environment refused the policy's action: \(reason)"
        case .rewardNotFinite(let seed, let step, let reward):
            "episode \(seed), step \(step): expected a finite reward, found \(reward)"
        case .differentSeeds(let first, let second):
            """
            a paired comparison needs the same episode seeds on both sides, found \(Self.summary(first)) and \
            \(Self.summary(second)); evaluate both with the same first seed and number of episodes
            """
        case .differentStarts(let first, let second):
            """
            a paired comparison needs the same starts on both sides, found \(first ?? "default") and \(second ?? "default") seeds; \
            evaluate both with the same seeds
            """
        }
    }

    private static func summary(_ seeds: [UInt64]) -> String {
        guard let first = seeds.min(), let last = seeds.max() else { return "none" }
        return "\(seeds.count) in \(first) ... \(last)"
    }
}
