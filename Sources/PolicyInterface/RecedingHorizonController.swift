/// Executes a part of each predicted chunk, then asks for a new one: receding-horizon control.
///
/// (Chi et al. 2023, section 2.3.) It turns a policy of chunks into a policy of single actions. Of `Tp` predicted actions, those at
/// `To − 1 ..< To − 1 + Ta` are executed (`ActionChunk.actions` holds only these), because the first action belongs to the oldest of the
/// `To` observations. At the observation after the last of them the policy is asked again, with the newest `To` observations, this one
/// included. At the start of an episode the first observation is repeated
/// until it fills the observation horizon, as the reference environment wrapper does.
public struct RecedingHorizonController: Policy {
    private let policy: any ChunkingPolicy
    private let key: RandomKey
    private var history: [Observation] = []
    /// The chunk that is executed, and the place of its next action.
    private var chunk: ActionChunk?
    private var next = 0
    private var chunkIndex = 0

    /// A controller of one robot.
    /// - Parameters:
    ///   - policy: predicts the chunks.
    ///   - key: the randomness of this robot's episodes; chunk `i` of an episode uses `key.folding(i)`.
    public init(_ policy: any ChunkingPolicy, key: RandomKey) {
        self.policy = policy
        self.key = key
    }

    /// A controller of one robot whose randomness comes from a seed.
    public init(_ policy: any ChunkingPolicy, seed: UInt64) {
        self.init(policy, key: RandomKey(seed: seed))
    }

    /// Prepares the policy to answer one robot, so that the first action comes as fast as later ones.
    public func prepare() throws { try policy.prepare(count: 1) }

    /// Forgets the past observations and the actions not yet executed.
    ///
    /// Chunks count from 0 again: an episode with a controller of the same key draws the same noise.
    public mutating func reset() {
        history = []
        chunk = nil
        chunkIndex = 0
    }

    /// The next action of the running chunk; when there is none left, asks the policy for a new one.
    public mutating func action(for observation: Observation) throws -> [Float] {
        try look(observation)
        return nextAction()
    }

    /// The next action of the running chunk in double precision, as `action(for:)`.
    public mutating func doubles(for observation: Observation) throws -> [Double] {
        try look(observation)
        return nextDoubles()
    }

    private mutating func look(_ observation: Observation) throws {
        if let request = observe(observation) {
            accept(try policy.chunks(for: [request])[0])
        }
    }

    /// Takes note of an observation and says what to ask the policy, if the running chunk is used up.
    ///
    /// With `accept(_:)` and `nextAction()` this is `action(for:)` in three parts, so that the requests of many robots can be
    /// answered in one batch.
    public mutating func observe(_ observation: Observation) -> ChunkRequest? {
        let length = policy.horizon.observation
        if history.isEmpty { history = Array(repeating: observation, count: length - 1) }
        history.append(observation)
        history.removeFirst(history.count - length)
        if let chunk, next < chunk.executed.upperBound { return nil }
        return ChunkRequest(observations: history, key: key.folding(chunkIndex))
    }

    /// Takes the answer to a request.
    public mutating func accept(_ chunk: ActionChunk) {
        self.chunk = chunk
        next = chunk.executed.lowerBound
        chunkIndex += 1
    }

    /// Takes the next action of the running chunk.
    /// - Precondition: every request was answered.
    public mutating func nextAction() -> [Float] {
        let (chunk, index) = takeNext()
        return chunk.prediction[index]
    }

    /// Takes the next action of the running chunk in double precision.
    /// - Precondition: every request was answered.
    public mutating func nextDoubles() -> [Double] {
        let (chunk, index) = takeNext()
        return chunk.doubles?[index] ?? chunk.prediction[index].map(Double.init)
    }

    private mutating func takeNext() -> (chunk: ActionChunk, index: Int) {
        guard let chunk, next < chunk.executed.upperBound else { preconditionFailure("no chunk was accepted") }
        defer { next += 1 }
        return (chunk, next)
    }
}
