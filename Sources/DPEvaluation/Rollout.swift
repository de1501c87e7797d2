import DPBase
package import DPInterface

/// A running episode: an environment, the controller that acts in it, and the result so far.
package struct Rollout {
    /// The environment in its current state.
    package private(set) var environment: any SimulatedEnvironment
    /// The result of the episode so far.
    package private(set) var episode: EpisodeResult
    /// Whether the episode has ended, by success or by its last step.
    package private(set) var isFinished = false
    /// The action executed last; nil before the first.
    package private(set) var lastAction: [Float]?

    private var controller: SimulatedTimeController
    private var jerk: JerkMeter
    private let maxSteps: Int

    /// An episode that has not started.
    /// - Parameters:
    ///   - controller: the controller that acts in the environment.
    ///   - configuration: the settings of the evaluation.
    init(
        seed: UInt64, environment: any SimulatedEnvironment, controller: SimulatedTimeController,
        configuration: EvaluationConfiguration
    ) {
        self.environment = environment
        self.controller = controller
        jerk = JerkMeter(rate: configuration.control.rate)
        maxSteps = configuration.maxSteps
        episode = EpisodeResult(seed: seed, bestReward: 0, success: false, steps: 0)
    }

    /// Passes an observation to the controller; returns a request when a chunk is due.
    mutating func observe() -> ChunkRequest? {
        isFinished ? nil : controller.observe(environment.observation)
    }

    mutating func accept(_ chunk: ActionChunk) throws {
        guard !chunk.executed.isEmpty else {
            throw EvaluationError.emptyChunk(seed: episode.seed, step: episode.steps)
        }
        controller.accept(chunk)
    }

    /// Executes the next action.
    ///
    /// Only rewards after an action count, not the initial state's. As in the reference runner, success ends the
    /// episode at once, even within a chunk.
    mutating func step() throws {
        if isFinished { return }
        let command = controller.nextCommand()
        do {
            if let doubles = command.doubles {
                try environment.step(doubles: doubles)
            } else {
                try environment.step(command.action)
            }
        } catch {
            throw EvaluationError.actionRefused(seed: episode.seed, step: episode.steps, reason: "\(error)")
        }
        lastAction = command.action
        jerk.add(command.doubles ?? command.action.map(Double.init), startsChunk: command.startsChunk)
        episode.jerk = jerk.jerk
        episode.steps += 1
        let reward = environment.reward
        guard reward.isFinite else {
            throw EvaluationError.rewardNotFinite(seed: episode.seed, step: episode.steps, reward: reward)
        }
        episode.bestReward = episode.steps == 1 ? reward : max(episode.bestReward, reward)
        episode.success = environment.isSuccess
        isFinished = episode.success || episode.steps == maxSteps
    }
}

/// The result of one episode.
///
/// ```swift
/// for episode in result.episodes where !episode.success {
///     print("seed \(episode.seed): best reward \(episode.bestReward) after \(episode.steps) control steps")
/// }
/// ```
public struct EpisodeResult: Codable, Sendable, Equatable {
    /// Seed of the environment.
    public var seed: UInt64
    /// Highest reward after any step.
    public var bestReward: Float
    /// Whether the task was achieved.
    public var success: Bool
    /// Control steps executed.
    public var steps: Int
    /// Jerk of the commands; nil for fewer than four.
    package var jerk: Jerk?

    enum CodingKeys: String, CodingKey {
        case seed
        case bestReward = "best_reward"
        case success
        case steps
        case jerk
    }

    /// The result of one episode.
    package init(seed: UInt64, bestReward: Float, success: Bool, steps: Int, jerk: Jerk? = nil) {
        self.seed = seed
        self.bestReward = bestReward
        self.success = success
        self.steps = steps
        self.jerk = jerk
    }
}

/// An observer of an evaluation, such as a progress bar or a video recorder.
package protocol RolloutObserver: AnyObject {
    /// Receives a group of rollouts at its start (`step` 0) and after each control step.
    /// - Throws: to stop the evaluation.
    func observe(_ rollouts: [Rollout], step: Int) throws
}
