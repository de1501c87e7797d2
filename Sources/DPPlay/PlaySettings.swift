import DPBase
package import DPInterface
package import DPPolicy

/// Settings of the policy that can be changed while it plays.
package struct PlaySettings: Codable, Sendable, Equatable {
    /// How actions are sampled.
    package var sampler: Sampler.Name
    /// Denoising steps.
    package var steps: Int
    /// Number of actions executed from each chunk.
    package var executionHorizon: Int
    /// How chunks are merged; if nil, the default for this latency is used.
    package var merging: ChunkMerging?
    /// Control steps between an observation and the first use of the chunk predicted from it.
    package var latency: Int
    /// Number of plans sampled for each observation; the first one is executed, the others are shown.
    package var samples: Int

    enum CodingKeys: String, CodingKey {
        case sampler
        case steps
        case executionHorizon = "execution_horizon"
        case merging
        case latency
        case samples
    }

    /// Initial settings.
    package init(
        sampler: Sampler.Name, steps: Int, executionHorizon: Int, merging: ChunkMerging? = nil, latency: Int = 0,
        samples: Int = 1
    ) {
        self.sampler = sampler
        self.steps = steps
        self.executionHorizon = executionHorizon
        self.merging = merging
        self.latency = latency
        self.samples = samples
    }

    /// How chunks are merged, by choice or by default.
    package var mergingInUse: ChunkMerging { merging ?? ControlConfiguration.usualMerging(isLate: latency > 0) }

    /// The largest number of plans for an observation.
    package static let mostSamples = 16
    /// The longest latency, in control steps.
    package static let longestLatency = 10

    /// The largest number of actions that can be executed from a chunk.
    static func longestExecution(of horizon: Horizon) -> Int { horizon.prediction - horizon.observation + 1 }

    /// Checks every value.
    /// - Parameters:
    ///   - horizon: the policy's horizon.
    ///   - trainingSteps: number of diffusion steps in the policy's training.
    /// - Throws: `InputError` for the first value that is out of its range.
    package func validate(horizon: Horizon, trainingSteps: Int) throws {
        try require("steps", steps, in: 1...trainingSteps)
        try require("execution_horizon", executionHorizon, in: 1...Self.longestExecution(of: horizon))
        try require("latency", latency, in: 0...Self.longestLatency)
        try require("samples", samples, in: 1...Self.mostSamples)
        try merging?.validate()
    }

    private func require(_ key: String, _ value: Int, in range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw InputError(
                key: "settings.\(key)", expected: "\(range.lowerBound)...\(range.upperBound)", found: value)
        }
    }
}
