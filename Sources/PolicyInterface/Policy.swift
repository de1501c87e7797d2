/// Anything that chooses one action after another for one robot.
public protocol Policy {
    /// Forgets the past: a new episode begins.
    mutating func reset()

    /// The next action, in raw units.
    /// - Throws: when the observation lacks a field that the policy needs, or holds it in another shape.
    mutating func action(for observation: Observation) throws -> [Float]

    /// The next action in double precision, in raw units: called instead of `action(for:)` where single precision cannot hold such actions, as with map
    /// coordinates (`ActionChunk.doubles`).
    ///
    /// That of `action(for:)` by default.
    /// - Throws: as `action(for:)`.
    mutating func doubles(for observation: Observation) throws -> [Double]
}

extension Policy {
    /// The next action as `action(for:)` gives it, in double precision.
    public mutating func doubles(for observation: Observation) throws -> [Double] {
        try action(for: observation).map(Double.init)
    }
}

/// A policy that predicts a chunk of actions from the latest observations, for any number of robots at once.
///
/// It keeps no state of its own between calls: what a request holds decides its answer, whatever else is in the batch.
public protocol ChunkingPolicy: AnyObject {
    /// How many observations a request carries and how many actions its answer.
    var horizon: Horizon { get }

    /// How many predicted actions were moved into the policy's limits so far; always 0 for a policy without limits.
    var clampedActions: Int { get }

    /// Does now what the first answer to so many requests would have to do first, such as compile, so that this answer comes as fast as later
    /// ones.
    ///
    /// Nothing by default; never needed for a right answer.
    /// - Throws: when the policy cannot answer so many requests.
    func prepare(count: Int) throws

    /// Predicts a chunk for each request.
    /// - Throws: when an observation lacks a field that the policy needs, or holds it in another shape.
    func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk]
}

extension ChunkingPolicy {
    /// None: the policy has no limits.
    public var clampedActions: Int { 0 }

    /// Nothing: the first answer comes as fast as any.
    public func prepare(count: Int) throws {}
}

/// A question to a policy: what was seen last, and the randomness to answer with.
public struct ChunkRequest: Sendable {
    /// `horizon.observation` observations, the oldest first.
    public var observations: [Observation]
    /// The source of the starting noise and of the sampler's noise.
    public var key: RandomKey
    /// The starting noise, `[prediction, action dimension]` in normalised units; drawn from the key if nil.
    ///
    /// A policy that does not denoise ignores it.
    public var noise: [Float]?
    /// What to start denoising from; nil for noise alone.
    public var start: WarmStart?

    /// A question to a policy.
    public init(observations: [Observation], key: RandomKey, noise: [Float]? = nil, start: WarmStart? = nil) {
        self.observations = observations
        self.key = key
        self.noise = noise
        self.start = start
    }
}

/// A predicted sequence of actions and which part of it is to be executed.
public struct ActionChunk: Sendable, Equatable {
    /// Every predicted action, `[prediction, action dimension]`, in raw units.
    public var prediction: [[Float]]
    /// The same in double precision, where single precision cannot hold such actions; else nil.
    public var doubles: [[Double]]?
    /// The part that is executed.
    public var executed: Range<Int>
    /// How many of the predicted actions were moved into the policy's limits.
    public var clampedActions: Int

    /// A predicted sequence of actions.
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

    /// The actions that are executed, the first one first.
    public var actions: ArraySlice<[Float]> { prediction[executed] }
}
