import DPBase
import DPInterface
import DPPushT
import DPServing
import Foundation

/// A message to a page: a JSON object with a `type` and keys in snake_case.
enum SceneMessage: Encodable, Sendable {
    case hello(SceneIntroduction)
    case frame(SceneFrame)
    case plan(ScenePlan)
    case problem(SceneProblem)

    private enum CodingKeys: String, CodingKey {
        case type
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        let (name, content): (String, any Encodable) =
            switch self {
            case .hello(let content): ("hello", content)
            case .frame(let content): ("frame", content)
            case .plan(let content): ("plan", content)
            case .problem(let content): ("problem", content)
            }
        try object.encode(name, forKey: .type)
        try content.encode(to: encoder)
    }

    /// The message as text.
    var text: String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        do { return String(decoding: try encoder.encode(self), as: UTF8.self) } catch {
            // Encoding fails only for numbers that are not finite, and the physics has none.
            preconditionFailure("encoding a message failed: \(error)")
        }
    }
}

/// Constant data that a page receives when it connects.
struct SceneIntroduction: Encodable, Sendable {
    /// The purpose of the page.
    enum Purpose: String, Encodable, Sendable {
        case play
        case record
    }

    let purpose: Purpose
    /// The shapes of the world.
    let geometry: PushTGeometry
    /// The goal: x, y, angle.
    let goal: [Double]
    /// Control steps per second.
    let rate: Int
    /// The policy, if one plays.
    var policy: Policy?

    struct Policy: Encodable, Sendable {
        let name: String
        let trainingSteps: Int
        let longestExecution: Int
        let longestLatency: Int
        let mostSamples: Int
        /// The names of the merging methods.
        let mergings: [String]
    }
}

/// The scene at an instant.
struct SceneFrame: Encodable, Sendable, Equatable {
    /// Control steps since the start.
    var step: Int
    /// The pusher: x, y.
    var agent: [Double]
    /// The block: x, y, angle in 0 ..< 2π.
    var block: [Double]
    /// The pusher's target.
    var target: [Double]?
    /// Covered fraction of the goal.
    var coverage: Double
    /// Reward, computed from the coverage, in 0 … 1.
    var reward: Double
    /// The best reward of the episode.
    var best: Double
    /// Whether the goal is reached now.
    var isSuccess: Bool
    /// The seed of the start.
    var seed: UInt64
    /// Whether the scene is running rather than paused.
    var isRunning: Bool
    /// Whether the scene is waiting for the policy.
    var isWaiting = false
    /// The body that is held, if any.
    var held: SceneCommand.Body?
    /// The policy's settings, if a policy plays.
    var settings: PlaySettings?
    /// How its chunks are merged, by name; chosen or by default.
    var merging: String?
    /// The progress of the recording, if episodes are recorded.
    var recording: RecordingProgress?
    /// Time of this frame on the scene's clock, in seconds; the page computes the control rate from it.
    var clock: Double = 0
}

extension SceneFrame {
    init(_ world: World, isRunning: Bool) {
        let environment = world.environment
        let state = environment.state
        step = environment.stepCount
        agent = [state.agent.x, state.agent.y]
        block = [state.block.position.x, state.block.position.y, state.block.angle]
        coverage = environment.coverage
        reward = Double(environment.reward)
        best = Double(world.best)
        isSuccess = environment.isSuccess
        seed = world.seed
        held = world.grip?.body
        self.isRunning = isRunning
    }
}

/// The policy's plan.
struct ScenePlan: Encodable, Sendable, Equatable {
    /// The control step of the first executed action.
    var step: Int
    /// Index of the first executed action, and the index after the last one.
    var executed: [Int]
    /// Points of each plan, `[plan][x, y, x, y, …]`; the first one is executed.
    var plans: [[Float]]
    /// Points of the first plan during denoising, `[step][x, y, x, y, …]`.
    var denoising: [[Float]]
    /// Seconds that the policy took.
    var duration: Double

    init(_ answer: PlanResult, executed: Range<Int>, step: Int) {
        self.step = step
        self.executed = [executed.lowerBound, executed.upperBound]
        plans = answer.chunks.map { Self.shown($0.prediction.joined()) }
        let count = answer.chunks.first?.prediction.joined().count ?? 0
        denoising = answer.denoising.map { Self.shown($0.actions.prefix(count)) }
        duration = answer.duration
    }

    /// Rounds to tenths of a pixel, which is enough for drawing and keeps messages short.
    private static func shown(_ numbers: some Sequence<Float>) -> [Float] {
        numbers.map { $0.isNaN ? 0 : (min(max($0, -2000), 2000) * 10).rounded() / 10 }
    }
}

/// An error message for the user.
struct SceneProblem: Encodable, Sendable, Equatable {
    let message: String
}

/// The progress of a recording.
struct RecordingProgress: Encodable, Sendable, Equatable {
    /// Frames of the current episode.
    var frames: Int
    /// Episodes on disk.
    var savedEpisodes: Int
    /// Frames on disk.
    var savedFrames: Int
    /// Kept episodes that are not on disk yet.
    var unsaved: Int
    /// Whether the episode is over: the goal or the maximum length is reached.
    var isOver: Bool
    /// Name of the dataset that episodes are saved to.
    var output: String
}
