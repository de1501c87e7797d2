import DPEvaluation
import Foundation

/// Shows the progress of rollouts.
final class RolloutProgress: RolloutObserver {
    private let line = ProgressLine()
    private let name: String
    private let episodes: Int
    private let maxSteps: Int
    private let interruption: Interruption?
    private var finishedBefore = 0
    private var group = 0

    /// Shows rollouts under a name, and stops them when the user interrupts.
    init(_ name: String, _ configuration: EvaluationConfiguration, interruption: Interruption? = nil) {
        self.name = name
        self.interruption = interruption
        episodes = configuration.episodes
        maxSteps = configuration.maxSteps
    }

    func observe(_ rollouts: [Rollout], step: Int) throws {
        if let interrupted = interruption?.request { throw interrupted }
        if step == 0 {
            finishedBefore += group
            group = rollouts.count
        }
        let best = rollouts.map(\.episode.bestReward).reduce(0, +) / Float(max(rollouts.count, 1))
        let ended = finishedBefore + rollouts.count(where: \.isFinished)
        let done = Double(finishedBefore) + Double(rollouts.count) * Double(step) / Double(maxSteps)
        line.show(
            done / Double(episodes),
            "\(name)  step \(step) of \(maxSteps)  \(ended) of \(episodes) ended  "
                + String(format: "mean best reward %.3f", best))
    }

    /// Ends the progress line.
    func finish() { line.finish() }
}
