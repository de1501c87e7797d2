import DPBase
package import Foundation

/// The result of an evaluation: the content of `evaluation.json`.
///
/// ```swift
/// import Foundation
///
/// let encoder = JSONEncoder()
/// encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
/// try encoder.encode(result).write(to: URL(fileURLWithPath: "runs/pusht/evaluation.json"))
/// print("\(result.policy): score \(result.score), success rate \(result.successRate)")
/// ```
public struct EvaluationResult: Codable, Sendable, Equatable {
    /// The name of the evaluated policy.
    public let policy: String
    /// The settings of the evaluation.
    package let settings: EvaluationConfiguration
    /// Mean over the episodes of their best reward, in 0 … 1.
    public let score: Double
    /// Student-t 95 % interval of the score; nil for a single episode.
    public let scoreInterval: ConfidenceInterval?
    /// Fraction of the episodes that achieved the task, in 0 … 1.
    public let successRate: Double
    /// Wilson 95 % interval of the success rate.
    public let successInterval: ConfidenceInterval
    /// The result of each episode, in order of the seeds.
    public let episodes: [EpisodeResult]
    /// The durations of the policy's batched calls.
    package let latency: Latency
    /// Number of predicted actions, executed or not, that were clamped to the policy's limits.
    package let clampedActions: Int
    /// Jerk of the commands, averaged over the episodes; nil if none had four steps.
    package let jerk: Jerk?
    /// Why there are fewer episodes than configured; nil if all have ended.
    ///
    /// The score is then too high, because successful episodes end before the others.
    package let incomplete: String?

    enum CodingKeys: String, CodingKey {
        case policy
        case settings
        case score
        case scoreInterval = "score_interval"
        case successRate = "success_rate"
        case successInterval = "success_interval"
        case episodes
        case latency = "latency_ms"
        case clampedActions = "clamped_actions"
        case jerk
        case incomplete
    }

    /// Summarizes episodes.
    /// - Precondition: there is at least one episode.
    package init(
        policy: String, settings: EvaluationConfiguration, episodes: [EpisodeResult], latency: Latency,
        clampedActions: Int = 0, incomplete: String? = nil
    ) {
        precondition(!episodes.isEmpty, "an evaluation without episodes")
        let rewards = episodes.map { Double($0.bestReward) }
        let successes = episodes.count(where: \.success)
        self.policy = policy
        self.settings = settings
        score = mean(rewards)
        scoreInterval = ConfidenceInterval(ofMean: rewards)
        successRate = Double(successes) / Double(episodes.count)
        successInterval = ConfidenceInterval(ofProportion: successes, trials: episodes.count)
        self.episodes = episodes
        self.latency = latency
        self.clampedActions = clampedActions
        self.incomplete = incomplete
        jerk = Jerk(meanOf: episodes.compactMap(\.jerk))
    }

    /// Reads an `evaluation.json`.
    /// - Throws: `InputError`.
    package init(contentsOf file: URL) throws {
        do {
            self = try JSONDecoder().decode(EvaluationResult.self, from: Data(contentsOf: file))
        } catch {
            throw InputError(
                at: file.path, expected: "the result of an evaluation", found: explanation(of: error))
        }
    }

    /// The result as JSON with sorted keys.
    package func json() throws -> Data {
        try JSONEncoder.legible.encode(self)
    }

    /// Writes an `evaluation.json`.
    /// - Throws: when the file cannot be written; an existing one is then unchanged.
    package func write(to file: URL) throws {
        try AtomicFile.write(json(), to: file)
    }
}

/// Describes a decoding error in one line: the key and the problem.
func explanation(of error: any Error) -> String {
    func line(_ path: [any CodingKey], _ what: String) -> String {
        let key = path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return key.isEmpty ? what : "\(key): \(what)"
    }
    return switch error {
    case DecodingError.keyNotFound(let key, let context): line(context.codingPath + [key], "is missing")
    case DecodingError.typeMismatch(let type, let context): line(context.codingPath, "is not of type \(type)")
    case DecodingError.valueNotFound(_, let context): line(context.codingPath, "has no value")
    case DecodingError.dataCorrupted(let context): line(context.codingPath, context.debugDescription)
    case let error as CocoaError: systemReason(of: error)
    default: "\(error)"
    }
}
