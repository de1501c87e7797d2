import DPBase

/// The settings for controlling a robot with a policy that predicts action chunks.
///
/// ```swift
/// var control = ControlConfiguration(merging: .skipStale, rate: 20)  // 20 control steps per second
/// control.interval = 4  // requests a chunk every 0.2 s
/// let policy = try PolicyClient(ServerAddress("ws://10.0.0.2:8000"))
/// let controller = try RealTimeController(policy, configuration: control, seed: 0)
/// ```
public struct ControlConfiguration: Codable, Sendable, Equatable {
    /// How chunks are merged.
    public var merging: ChunkMerging
    /// The minimum number of control steps from one request to the next; more pass if the chunk takes longer.
    ///
    /// If nil, it is the policy's action horizon, but 1 for temporal ensembling, which averages as many predictions
    /// as possible.
    public var interval: Int?
    /// Control steps per second; 10 by default, as for Push-T and the reference implementation's robots.
    public var rate: Double

    enum CodingKeys: String, CodingKey {
        case merging
        case interval
        case rate = "control_rate"
    }

    /// Creates a configuration; by default stale actions are skipped and chunks start from the previous one, at 10
    /// control steps per second.
    ///
    /// In Push-T, this method had the best mean score over latencies up to 0.5 s, although the difference is within
    /// chance. It was chosen on seeds other than those of the final test; see `Documentation/latency.md`.
    public init(merging: ChunkMerging = .warmStart(), interval: Int? = nil, rate: Double = 10) {
        self.merging = merging
        self.interval = interval
        self.rate = rate
    }

    /// Returns the default merging method: that of a default configuration if there is latency, otherwise
    /// `synchronous`.
    package static func usualMerging(isLate: Bool) -> ChunkMerging {
        isLate ? ControlConfiguration().merging : .synchronous
    }

    /// Receding-horizon control, which does not account for latency.
    package static let recedingHorizon = ControlConfiguration(merging: .synchronous)

    /// Checks every value.
    /// - Throws: `InputError`.
    package func validate() throws {
        try merging.validate()
        if let interval, !(1...1000).contains(interval) {
            throw InputError(key: "interval", expected: "1...1000 control steps", found: interval)
        }
        guard rate > 0, rate <= 10_000 else {
            throw InputError(key: "control_rate", expected: "above 0 and at most 10000 steps a second", found: rate)
        }
    }

    /// Converts the duration of a computation to control steps, rounded up, because its result is used at the next
    /// step.
    ///
    /// An excess of up to a millionth of a step is ignored: 0.7 s at 10 steps per second are seven steps, although
    /// binary fractions make it slightly more.
    /// - Precondition: `seconds` is not negative, and the number of steps is at most 1e9.
    package func steps(for seconds: Double) -> Int {
        precondition(seconds >= 0 && seconds * rate <= 1e9, "\(seconds) seconds at \(rate) steps a second")
        return Int((seconds * rate - 1e-6).rounded(.up))
    }
}
