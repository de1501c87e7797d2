import DPBase
import DPInterface

/// Records rollouts, so that another policy can be trained on them.
///
/// ```text
/// let recorder = EpisodeRecorder(features: ["state", "keypoint"])
/// _ = try evaluator.evaluate(policy, observers: [recorder])
/// let good = recorder.episodes.filter { $0.bestReward > 0.9 }
/// ```
package final class EpisodeRecorder: RolloutObserver {
    /// The episodes of all groups that have ended, in order of their seeds.
    package private(set) var episodes: [RecordedEpisode] = []
    private let features: [String]
    private var group: [RecordedEpisode] = []
    private var pending: [[String: [Float]]] = []

    /// A recorder of the given features of observations.
    package init(features: [String]) { self.features = features }

    /// Records the observation before the last action, the action, and the reward after it.
    /// - Throws: `InputError` when an observation lacks a feature.
    package func observe(_ rollouts: [Rollout], step: Int) throws {
        if step == 0 {
            group = rollouts.map { RecordedEpisode(seed: $0.episode.seed) }
            pending = try rollouts.map(look)
            return
        }
        for (index, rollout) in rollouts.enumerated() where group[index].frames.count < rollout.episode.steps {
            guard let action = rollout.lastAction else { continue }
            group[index].frames.append(
                RecordedEpisode.Frame(
                    observation: pending[index], action: action, reward: rollout.environment.reward))
            pending[index] = try look(at: rollout)
        }
        if rollouts.allSatisfy(\.isFinished) {
            episodes += group
            group = []
        }
    }

    private func look(at rollout: Rollout) throws -> [String: [Float]] {
        let vectors = rollout.environment.observation.vectors
        return try features.reduce(into: [:]) { chosen, name in
            guard let vector = vectors[name] else {
                throw InputError.missingFeature(name, available: vectors.keys.sorted())
            }
            chosen[name] = vector
        }
    }
}

/// A recorded episode.
package struct RecordedEpisode: Sendable, Equatable {
    /// One control step.
    package struct Frame: Sendable, Equatable {
        /// The observation before the action, by feature.
        package var observation: [String: [Float]]
        /// The commanded action.
        package var action: [Float]
        /// The reward after the action.
        package var reward: Float
    }

    /// Seed of the environment.
    package var seed: UInt64
    /// The control steps, in order.
    package var frames: [Frame] = []

    /// Highest reward after any step.
    package var bestReward: Float { frames.map(\.reward).max() ?? 0 }

    /// The episode up to the first frame with its best reward; later frames did not improve it.
    package var untilBest: RecordedEpisode {
        guard let best = frames.firstIndex(where: { $0.reward == bestReward }) else { return self }
        var episode = self
        episode.frames.removeSubrange((best + 1)...)
        return episode
    }
}
