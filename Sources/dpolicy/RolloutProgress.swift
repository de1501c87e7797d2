import Evaluation
import Foundation

/// Shows how far rollouts are.
final class RolloutProgress: RolloutObserver {
    private let line = ProgressLine()
    private let name: String
    private let episodes: Int
    private let maximumSteps: Int
    private let interruption: Interruption?
    private var finishedBefore = 0
    private var group = 0

    /// Shows rollouts by their name, and stops them when the user interrupts.
    init(_ name: String, _ configuration: EvaluationConfiguration, interruption: Interruption? = nil) {
        self.name = name
        self.interruption = interruption
        episodes = configuration.episodes
        maximumSteps = configuration.maximumSteps
    }

    func observe(_ rollouts: [Rollout], step: Int) throws {
        if let interrupted = interruption?.request { throw interrupted }
        if step == 0 {
            finishedBefore += group
            group = rollouts.count
        }
        let best = rollouts.map(\.episode.bestReward).reduce(0, +) / Float(max(rollouts.count, 1))
        let ended = finishedBefore + rollouts.count(where: \.isFinished)
        let done = Double(finishedBefore) + Double(rollouts.count) * Double(step) / Double(maximumSteps)
        line.show(
            done / Double(episodes),
            "\(name)  step \(step) of \(maximumSteps)  \(ended) of \(episodes) ended  "
                + String(format: "mean best reward %.3f", best))
    }

    /// Leaves the line.
    func finish() { line.finish() }
}
