public import Control
public import NoiseSchedules
public import PolicyInterface

/// What can be changed about the policy while it plays.
public struct PlaySettings: Codable, Sendable, Equatable {
    /// How actions are sampled.
    public var sampler: Sampler.Name
    /// Denoising steps.
    public var steps: Int
    /// Actions that are executed of each chunk.
    public var executionHorizon: Int
    /// How chunks follow each other; if nil, what is usual with this latency.
    public var joining: Joining?
    /// Control steps that pass between an observation and the first use of the answer to it.
    public var latency: Int
    /// Plans that are made for each observation; the first one is executed, the others are shown.
    public var samples: Int

    enum CodingKeys: String, CodingKey {
        case sampler
        case steps
        case executionHorizon = "execution_horizon"
        case joining
        case latency
        case samples
    }

    /// Settings to begin with.
    public init(
        sampler: Sampler.Name, steps: Int, executionHorizon: Int, joining: Joining? = nil, latency: Int = 0,
        samples: Int = 1
    ) {
        self.sampler = sampler
        self.steps = steps
        self.executionHorizon = executionHorizon
        self.joining = joining
        self.latency = latency
        self.samples = samples
    }

    /// How chunks follow each other, whether it was chosen or not.
    public var joiningInUse: Joining { joining ?? ControlConfiguration.usualJoining(isLate: latency > 0) }

    /// The most plans that are made for an observation.
    public static let mostSamples = 16
    /// The longest latency, in control steps.
    public static let longestLatency = 10

    /// The most actions that a policy can execute of a chunk.
    static func longestExecution(of horizon: Horizon) -> Int { horizon.prediction - horizon.observation + 1 }

    /// Checks every value.
    /// - Parameters:
    ///   - horizon: that of the policy.
    ///   - trainingSteps: how many steps the policy's diffusion has.
    /// - Throws: `InvalidSetting` for the first value that is out of its range.
    public func validate(horizon: Horizon, trainingSteps: Int) throws {
        try require("steps", steps, in: 1...trainingSteps)
        try require("execution_horizon", executionHorizon, in: 1...Self.longestExecution(of: horizon))
        try require("latency", latency, in: 0...Self.longestLatency)
        try require("samples", samples, in: 1...Self.mostSamples)
        try joining?.validate()
    }

    private func require(_ key: String, _ value: Int, in range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw InvalidSetting(
                key: "settings.\(key)", expected: "\(range.lowerBound)...\(range.upperBound)", found: value)
        }
    }
}
