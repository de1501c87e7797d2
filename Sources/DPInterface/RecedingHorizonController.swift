package import DPBase

/// Executes a part of each predicted chunk, then requests a new one.
///
/// This is receding-horizon control (Chi et al. 2023, section 2.3), which turns a policy that predicts chunks into one
/// that returns single actions. Of `Tp` predicted actions, those at `To − 1 ..< To − 1 + Ta` are executed
/// (`ActionChunk.actions` holds only these), because the first action belongs to the oldest of the `To` observations.
/// At the next observation after the last executed action, the controller requests a new chunk with the newest `To`
/// observations, including this one.
///
/// ```swift
/// var controller = RecedingHorizonController(policy, seed: 0)
/// try controller.prepare()  // compiles now, so that the first action is not late
/// let environment = PushTEnvironment(seed: 200_000)
/// while !environment.isSuccess, environment.stepCount < 300 {
///     try environment.step(controller.action(for: environment.observation))
/// }
/// ```
public struct RecedingHorizonController: Policy {
    private let policy: any ChunkingPolicy
    private let key: RandomKey
    private var history: ObservationHistory
    /// The current chunk, and the index of its next action.
    private var chunk: ActionChunk?
    private var next = 0
    private var chunkIndex = 0

    /// Creates a controller for one robot.
    /// - Parameters:
    ///   - policy: the policy that predicts the chunks.
    ///   - key: the random key of this robot's episodes; chunk `i` of an episode uses `key.folding(i)`.
    package init(_ policy: any ChunkingPolicy, key: RandomKey) {
        self.policy = policy
        self.key = key
        history = ObservationHistory(length: policy.horizon.observation)
    }

    /// Creates a controller for one robot, with the root key of a seed.
    public init(_ policy: any ChunkingPolicy, seed: UInt64) {
        self.init(policy, key: RandomKey(seed: seed))
    }

    /// Prepares the policy for single requests, so that the first action comes as fast as later ones.
    public func prepare() throws { try policy.prepare(count: 1) }

    /// Discards the past observations and the remaining actions.
    ///
    /// Chunk numbers restart at 0, so two controllers with equal keys draw the same noise.
    public mutating func reset() {
        history = ObservationHistory(length: policy.horizon.observation)
        chunk = nil
        chunkIndex = 0
    }

    /// Returns the next action of the current chunk; if none is left, requests a new chunk from the policy.
    public mutating func action(for observation: RobotObservation) throws -> [Float] {
        try requestChunkIfNeeded(for: observation)
        return nextAction()
    }

    /// Returns the next action of the current chunk in double precision, like `action(for:)`.
    public mutating func doubles(for observation: RobotObservation) throws -> [Double] {
        try requestChunkIfNeeded(for: observation)
        return nextDoubles()
    }

    private mutating func requestChunkIfNeeded(for observation: RobotObservation) throws {
        if let request = observe(observation) {
            accept(try policy.predictActionChunks(for: [request])[0])
        }
    }

    /// Records an observation, and returns a request to the policy if the current chunk is used up.
    ///
    /// Together with `accept(_:)` and `nextAction()` this splits `action(for:)` into three parts, so that the
    /// requests of many robots can be processed in one batch.
    package mutating func observe(_ observation: RobotObservation) -> ChunkRequest? {
        history.append(observation)
        if let chunk, next < chunk.executed.upperBound { return nil }
        return ChunkRequest(observations: history.observations, key: key.folding(chunkIndex))
    }

    /// Accepts the chunk for a request.
    package mutating func accept(_ chunk: ActionChunk) {
        self.chunk = chunk
        next = chunk.executed.lowerBound
        chunkIndex += 1
    }

    /// Returns the next action of the current chunk, and advances.
    /// - Precondition: a chunk was accepted for every request.
    package mutating func nextAction() -> [Float] {
        let (chunk, index) = takeNext()
        return chunk.prediction[index]
    }

    /// Returns the next action of the current chunk in double precision, and advances.
    /// - Precondition: a chunk was accepted for every request.
    package mutating func nextDoubles() -> [Double] {
        let (chunk, index) = takeNext()
        return chunk.doubles?[index] ?? chunk.prediction[index].map(Double.init)
    }

    private mutating func takeNext() -> (chunk: ActionChunk, index: Int) {
        guard let chunk, next < chunk.executed.upperBound else { preconditionFailure("no chunk was accepted") }
        defer { next += 1 }
        return (chunk, next)
    }
}
