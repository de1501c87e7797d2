import DPBase
public import DPInterface

/// Settings of an evaluation.
///
/// The defaults are those of the reference implementation's Push-T runner (Chi et al. 2023): 50 test seeds, 300
/// steps, receding-horizon control and no latency.
///
/// ```swift
/// var configuration = EvaluationConfiguration(episodes: 20, firstSeed: 300_000, maxSteps: 200)
/// configuration.control = ControlConfiguration(merging: .linearBlend())
/// let evaluator = Evaluator(configuration: configuration) { PushTEnvironment(seed: $0) }
/// ```
public struct EvaluationConfiguration: Codable, Sendable, Equatable {
    /// Number of episodes: seeds `firstSeed ..< firstSeed + episodes`.
    public var episodes: Int
    /// Seed of the first episode's environment; the reference's test seeds start at 100000.
    public var firstSeed: UInt64
    /// The rule that maps seeds to starts, for environments that have several; nil for the default rule.
    package var seeding: String?
    /// Control steps after which an episode ends without success.
    public var maxSteps: Int
    /// Seed of the policy's randomness.
    public var samplerSeed: UInt64
    /// Number of environments that step together; at most 64 if nil.
    ///
    /// It changes the speed, but never the randomness of an action.
    package var batch: Int?
    /// How the policy's chunks are executed.
    public var control: ControlConfiguration
    /// The latencies in the simulated world.
    package var latency: SimulatedLatency

    enum CodingKeys: String, CodingKey {
        case episodes
        case firstSeed = "first_seed"
        case seeding
        case maxSteps = "maximum_steps"
        case samplerSeed = "sampler_seed"
        case batch
        case control
        case latency
    }

    /// The seeds of the final test of the reference implementation; do not train or record with them.
    public static let testSeeds: Range<UInt64> = 100_000..<100_050

    /// Settings that default to the paper's protocol.
    public init(
        episodes: Int = testSeeds.count, firstSeed: UInt64 = testSeeds.lowerBound, seeding: String? = nil,
        maxSteps: Int = 300, samplerSeed: UInt64 = 0, batch: Int? = nil, control: ControlConfiguration? = nil
    ) {
        self.init(
            episodes: episodes, firstSeed: firstSeed, seeding: seeding, maxSteps: maxSteps, samplerSeed: samplerSeed,
            batch: batch, control: control ?? .recedingHorizon, latency: SimulatedLatency())
    }

    /// Settings with simulated latency.
    package init(
        episodes: Int = testSeeds.count, firstSeed: UInt64 = testSeeds.lowerBound, seeding: String? = nil,
        maxSteps: Int = 300, samplerSeed: UInt64 = 0, batch: Int? = nil,
        control: ControlConfiguration = .recedingHorizon,
        latency: SimulatedLatency
    ) {
        self.episodes = episodes
        self.firstSeed = firstSeed
        self.seeding = seeding
        self.maxSteps = maxSteps
        self.samplerSeed = samplerSeed
        self.batch = batch
        self.control = control
        self.latency = latency
    }

    /// Reads settings; `control` and `latency` default to receding-horizon control without latency.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            episodes: try fields.decode(Int.self, forKey: .episodes),
            firstSeed: try fields.decode(UInt64.self, forKey: .firstSeed),
            seeding: try fields.decodeIfPresent(String.self, forKey: .seeding),
            maxSteps: try fields.decode(Int.self, forKey: .maxSteps),
            samplerSeed: try fields.decode(UInt64.self, forKey: .samplerSeed),
            batch: try fields.decodeIfPresent(Int.self, forKey: .batch),
            control: try fields.decodeIfPresent(ControlConfiguration.self, forKey: .control) ?? .recedingHorizon,
            latency: try fields.decodeIfPresent(SimulatedLatency.self, forKey: .latency) ?? SimulatedLatency())
    }

    /// The default number of environments that step together: enough to run a whole test in one call, few enough to
    /// limit memory.
    static let defaultBatch = 64

    /// The seeds of the episodes, in order.
    package var seeds: Range<UInt64> { firstSeed..<firstSeed + UInt64(episodes) }

    /// Checks that all settings are within their ranges.
    /// - Throws: `InputError`.
    package func validate() throws {
        func require(_ value: Int, of name: String) throws {
            guard (1...1_000_000).contains(value) else {
                throw InputError(key: "evaluation setting \(name)", expected: "1 ... 1000000", found: value)
            }
        }
        try require(episodes, of: "episodes")
        try require(maxSteps, of: "maximum_steps")
        if let batch { try require(batch, of: "batch") }
        try control.validate()
        try latency.validate()
        guard firstSeed <= .max - UInt64(episodes) else {
            throw InputError(
                key: "evaluation setting first_seed", expected: "at most \(UInt64.max - UInt64(episodes))",
                found: firstSeed)
        }
    }
}
