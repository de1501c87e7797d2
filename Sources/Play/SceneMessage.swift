import Foundation
import PolicyInterface
import PushT

/// What a page is told, as JSON objects with a `type` and keys in snake_case.
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
            // Only numbers that are not finite cannot be written, and the physics has none.
            preconditionFailure("a message that cannot be written: \(error)")
        }
    }
}

/// What a page has to know once.
struct SceneIntroduction: Encodable, Sendable {
    /// What the page is for.
    enum Purpose: String, Encodable, Sendable {
        case play
        case record
    }

    let purpose: Purpose
    /// The shapes of the world.
    let geometry: PushTGeometry
    /// The goal: x, y, angle.
    let goal: [Double]
    /// Control steps a second.
    let rate: Int
    /// The policy, if one plays.
    var policy: Policy?

    struct Policy: Encodable, Sendable {
        let name: String
        let trainingSteps: Int
        let longestExecution: Int
        let longestLatency: Int
        let mostSamples: Int
        /// The ways to join chunks, by name.
        let joinings: [String]
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
    /// Where the pusher is sent.
    var target: [Double]?
    /// Covered part of the goal.
    var coverage: Double
    /// Reward, the coverage that counts, in 0 … 1.
    var reward: Double
    /// The best reward of the episode.
    var best: Double
    /// Whether the goal is reached now.
    var isSuccess: Bool
    /// The seed of the start.
    var seed: UInt64
    /// Whether the scene goes on by itself.
    var isRunning: Bool
    /// Whether the scene waits for the policy.
    var isWaiting = false
    /// What is held.
    var held: SceneCommand.Body?
    /// How the policy acts, if one does.
    var settings: PlaySettings?
    /// How its chunks follow each other, by name, whether it was chosen or not.
    var joining: String?
    /// What was recorded, if someone records.
    var recording: RecordingProgress?
    /// Seconds on the clock of the scene at this frame; the page draws the control rate from it.
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
        held = world.hand?.body
        self.isRunning = isRunning
    }
}

/// What the policy plans.
struct ScenePlan: Encodable, Sendable, Equatable {
    /// The control step that the first action that is executed is for.
    var step: Int
    /// The first action that is executed, and the one behind the last.
    var executed: [Int]
    /// Points of each plan, `[plan][x, y, x, y, …]`; the first one is executed.
    var plans: [[Float]]
    /// Points of the first plan on the way from noise, `[step][x, y, x, y, …]`.
    var refinement: [[Float]]
    /// Seconds that the policy took.
    var duration: Double

    init(_ answer: PolicyAnswer, executed: Range<Int>, step: Int) {
        self.step = step
        self.executed = [executed.lowerBound, executed.upperBound]
        plans = answer.chunks.map { Self.shown($0.prediction.joined()) }
        let count = answer.chunks.first?.prediction.joined().count ?? 0
        refinement = answer.refinement.map { Self.shown($0.actions.prefix(count)) }
        duration = answer.duration
    }

    /// A tenth of a pixel is more than enough to draw, and shorter to write.
    private static func shown(_ numbers: some Sequence<Float>) -> [Float] {
        numbers.map { $0.isNaN ? 0 : (min(max($0, -2000), 2000) * 10).rounded() / 10 }
    }
}

/// Something that went wrong, for people.
struct SceneProblem: Encodable, Sendable, Equatable {
    let message: String
}

/// How a recording is going.
struct RecordingProgress: Encodable, Sendable, Equatable {
    /// Frames of the episode that is being driven.
    var frames: Int
    /// Episodes on disk.
    var savedEpisodes: Int
    /// Frames on disk.
    var savedFrames: Int
    /// Episodes that were kept and are not on disk yet.
    var unsaved: Int
    /// Whether the episode is over: the goal is reached, or it is as long as can be.
    var isOver: Bool
    /// Where episodes go.
    var output: String
}
