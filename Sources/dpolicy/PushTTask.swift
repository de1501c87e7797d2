import Evaluation
import Policies
import PolicyInterface
import PushT

/// Push-T as a task to judge policies in.
enum PushTTask {
    /// The seeds that only final judgements use, as in the paper: neither training nor recording may touch them.
    static let testSeeds: Range<UInt64> = 100_000..<100_050

    /// An evaluator of policies in Push-T.
    /// - Throws: `InvalidSetting` when a setting is out of its range.
    static func evaluator(_ configuration: EvaluationConfiguration) throws -> Evaluator {
        try configuration.validate()
        return Evaluator(configuration: configuration) { PushTEnvironment(seed: $0) }
    }

    /// Checks that a policy sees what Push-T shows and commands what it executes.
    /// - Throws: `ObservationError` or `CommandError`, naming what is missing.
    static func check(_ configuration: PolicyConfiguration) throws {
        _ = try configuration.observations.vector(from: PushTEnvironment(seed: 0).observation)
        guard configuration.action.dimension == 2 else {
            throw CommandError(
                place: "policy.action.dimension", expected: "2 numbers, a point in Push-T's world",
                found: "\(configuration.action.dimension)")
        }
    }

    /// Whether a policy can act in Push-T: it sees what the simulator shows, and its actions are points of its world.
    static func fits(_ configuration: PolicyConfiguration) -> Bool {
        guard (try? check(configuration)) != nil else { return false }
        guard let limits = configuration.action.limits else { return true }
        return limits.lower.allSatisfy { $0 >= 0 } && limits.upper.allSatisfy { $0 <= 512 }
    }
}
