import PolicyInterface

/// Writes down what happens in rollouts, so that another policy can learn from it.
///
/// ```swift
/// let recorder = EpisodeRecorder(fields: ["state", "keypoint"])
/// _ = try evaluator.evaluate(policy, observers: [recorder])
/// let good = recorder.episodes.filter { $0.bestReward > 0.9 }
/// ```
public final class EpisodeRecorder: RolloutObserver {
    /// The episodes of all groups that have ended, in order of their seeds.
    public private(set) var episodes: [RecordedEpisode] = []
    private let fields: [String]
    private var group: [RecordedEpisode] = []
    private var pending: [[String: [Float]]] = []

    /// A recorder of the given fields of observations.
    public init(fields: [String]) { self.fields = fields }

    /// Notes what was seen before the last action, the action, and the reward after it.
    /// - Throws: `ObservationError` when an observation lacks a field.
    public func observe(_ rollouts: [Rollout], step: Int) throws {
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
        return try fields.reduce(into: [:]) { chosen, name in
            guard let vector = vectors[name] else {
                throw ObservationError.missingField(name, available: vectors.keys.sorted())
            }
            chosen[name] = vector
        }
    }
}

/// What happened in one episode.
public struct RecordedEpisode: Sendable, Equatable {
    /// One control step.
    public struct Frame: Sendable, Equatable {
        /// What was seen before the action, by field.
        public var observation: [String: [Float]]
        /// What was commanded.
        public var action: [Float]
        /// The reward after the action.
        public var reward: Float
    }

    /// Seed of the environment.
    public var seed: UInt64
    /// The control steps, the first one first.
    public var frames: [Frame] = []

    /// Highest reward after any step.
    public var bestReward: Float { frames.map(\.reward).max() ?? 0 }

    /// The episode up to the first frame that earned its best reward: what came after spoilt it, or added nothing.
    public var untilBest: RecordedEpisode {
        guard let best = frames.firstIndex(where: { $0.reward == bestReward }) else { return self }
        var episode = self
        episode.frames.removeSubrange((best + 1)...)
        return episode
    }
}
