public import DPBase

/// A policy that chooses one action after another for one robot.
///
/// ```swift
/// func run(_ controller: inout some Policy, in environment: inout some SimulatedEnvironment) throws {
///     controller.reset()
///     for _ in 0..<300 where !environment.isSuccess {
///         try environment.step(controller.action(for: environment.observation))
///     }
/// }
/// ```
public protocol Policy {
    /// Discards the past before a new episode.
    mutating func reset()

    /// Returns the next action, in raw units.
    /// - Throws: if the observation lacks a feature that the policy needs, or has it in another shape.
    mutating func action(for observation: RobotObservation) throws -> [Float]

    /// Returns the next action in double precision, in raw units; called instead of `action(for:)` if single
    /// precision cannot hold such actions, as with map coordinates (`ActionChunk.doubles`).
    ///
    /// By default it returns the action of `action(for:)`.
    /// - Throws: as `action(for:)`.
    mutating func doubles(for observation: RobotObservation) throws -> [Double]
}

extension Policy {
    /// Returns the action of `action(for:)` in double precision.
    public mutating func doubles(for observation: RobotObservation) throws -> [Double] {
        try action(for: observation).map(Double.init)
    }
}

/// A policy that predicts a chunk of actions from the latest observations, for any number of robots at once.
///
/// Calls are independent: a chunk depends on its request alone, whatever else is in the batch, up to the rounding of
/// sums.
///
/// ```swift
/// final class HoldingPolicy: ChunkingPolicy {  // a baseline that keeps the joints where they are
///     let horizon = Horizon(observation: 1, prediction: 8, action: 8)
///     func predictActionChunks(for requests: [ChunkRequest]) -> [ActionChunk] {
///         let joints = requests.map { $0.observations[0].vectors["joint_positions", default: []] }
///         return joints.map { ActionChunk(prediction: Array(repeating: $0, count: 8), executed: 0..<8) }
///     }
/// }
/// ```
public protocol ChunkingPolicy: AnyObject {
    /// The number of observations in a request and of actions in a chunk.
    var horizon: Horizon { get }

    /// The number of predicted actions that were clamped to the limits of the policy so far; always 0 for a policy
    /// without limits.
    var clampedActions: Int { get }

    /// Does the one-time work for a batch of `count` requests now, such as compiling, so that the first prediction
    /// comes as fast as later ones.
    ///
    /// Does nothing by default; it is never required for correct results.
    /// - Throws: if the policy cannot process so many requests.
    func prepare(count: Int) throws

    /// Predicts a chunk for each request.
    /// - Throws: if an observation lacks a feature that the policy needs, or has it in another shape.
    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk]
}

extension ChunkingPolicy {
    /// 0: the policy has no limits.
    public var clampedActions: Int { 0 }

    /// Does nothing.
    public func prepare(count: Int) throws {}
}

/// A request to a policy: the latest observations, and the random key of the prediction.
///
/// ```swift
/// let latest = RobotObservation(vectors: ["state": [256, 300, 220, 190, 0.7]])
/// let request = ChunkRequest(observations: [observation, latest], key: RandomKey(seed: 7))
/// let chunks = try chunkingPolicy.predictActionChunks(for: [request])
/// ```
public struct ChunkRequest: Sendable {
    /// `horizon.observation` observations, oldest first.
    public var observations: [RobotObservation]
    /// The source of the starting noise and of the sampler's noise.
    public var key: RandomKey
    /// The starting noise, `[prediction, action dimension]` in normalized units; drawn from the key if nil.
    ///
    /// A policy that does not denoise ignores it.
    package var noise: [Float]?
    /// The warm start; nil to start from noise alone.
    package var start: WarmStart?

    /// Creates a request.
    public init(observations: [RobotObservation], key: RandomKey) {
        self.init(observations: observations, key: key, noise: nil, start: nil)
    }

    /// Creates a request with given noise or a warm start.
    package init(observations: [RobotObservation], key: RandomKey, noise: [Float]? = nil, start: WarmStart? = nil) {
        self.observations = observations
        self.key = key
        self.noise = noise
        self.start = start
    }
}

/// A predicted sequence of actions, and the part of it to execute.
///
/// ```swift
/// let request = ChunkRequest(observations: observations, key: RandomKey(seed: 0))
/// let chunk = try chunkingPolicy.predictActionChunks(for: [request])[0]
/// print("planned:", chunk.prediction.count, "actions; to execute:", chunk.actions.count)
/// for action in chunk.actions { print("move the gripper to", action) }
/// ```
public struct ActionChunk: Sendable, Equatable {
    /// Every predicted action, `[prediction, action dimension]`, in raw units.
    public var prediction: [[Float]]
    /// The actions in double precision, if single precision cannot hold such actions; otherwise nil.
    public var doubles: [[Double]]?
    /// The part to execute.
    public var executed: Range<Int>
    /// The number of predicted actions that were clamped to the limits of the policy.
    public var clampedActions: Int

    /// Creates a chunk.
    public init(
        prediction: [[Float]], executed: Range<Int>, doubles: [[Double]]? = nil, clampedActions: Int = 0
    ) {
        precondition(
            executed.lowerBound >= 0 && executed.upperBound <= prediction.count,
            "executed \(executed) of \(prediction.count) actions")
        self.prediction = prediction
        self.doubles = doubles
        self.executed = executed
        self.clampedActions = clampedActions
    }

    /// The actions to execute, in order.
    public var actions: ArraySlice<[Float]> { prediction[executed] }
}
