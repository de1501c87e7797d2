/// Why an evaluation could not be carried out or read.
public enum EvaluationError: Error, Equatable, CustomStringConvertible {
    /// The policy answered another number of requests than it was asked.
    case wrongChunkCount(requests: Int, chunks: Int)
    /// The policy answered with a chunk of which nothing is to be executed.
    case emptyChunk(seed: UInt64, step: Int)
    /// The environment refused an action.
    case actionRefused(seed: UInt64, step: Int, reason: String)
    /// The environment's reward is not a number.
    case rewardNotFinite(seed: UInt64, step: Int, reward: Float)
    /// A file is not what it should be.
    case unreadable(file: String, reason: String)
    /// Two results have no episode in common, or another number of them.
    case differentSeeds(first: [UInt64], second: [UInt64])
    /// Two results are of the same seeds and of different starts; nil stands for the environment's usual ones.
    case differentStarts(first: String?, second: String?)

    /// What was expected, what was found, where, and what to do.
    public var description: String {
        switch self {
        case .wrongChunkCount(let requests, let chunks):
            "policy: expected \(requests) action chunks, one a request, found \(chunks)"
        case .emptyChunk(let seed, let step):
            "episode \(seed), step \(step): the policy returned a chunk with no action to execute; check its horizon"
        case .actionRefused(let seed, let step, let reason):
            "episode \(seed), step \(step): the environment refused the policy's action: \(reason)"
        case .rewardNotFinite(let seed, let step, let reward):
            "episode \(seed), step \(step): expected a finite reward, found \(reward)"
        case .unreadable(let file, let reason):
            "\(file): \(reason)"
        case .differentSeeds(let first, let second):
            """
            a paired comparison needs the same episode seeds on both sides, found \(Self.summary(first)) and \
            \(Self.summary(second)); evaluate both with the same first seed and number of episodes
            """
        case .differentStarts(let first, let second):
            """
            a paired comparison needs the same starts on both sides, found \(first ?? "the usual") and \(second ?? "the usual") seeds; \
            evaluate both with the same seeds
            """
        }
    }

    private static func summary(_ seeds: [UInt64]) -> String {
        guard let first = seeds.min(), let last = seeds.max() else { return "none" }
        return "\(seeds.count) in \(first) ... \(last)"
    }
}
