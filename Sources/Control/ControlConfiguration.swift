import PolicyInterface

/// How a policy of chunks controls a robot.
public struct ControlConfiguration: Codable, Sendable, Equatable {
    /// How chunks follow each other.
    public var joining: Joining
    /// Control steps from one question to the next, or more if the answer takes longer; the policy's action horizon if nil, but 1 for ensembling, which averages
    /// as many predictions as it can get.
    public var interval: Int?
    /// Control steps a second; 10 as Push-T's and the reference implementation's robots.
    public var rate: Double

    enum CodingKeys: String, CodingKey {
        case joining
        case interval
        case rate = "control_rate"
    }

    /// Late actions dropped and chunks begun from the previous one, at 10 control steps a second, unless told otherwise.
    ///
    /// That way of joining had the best mean score over latencies up to 0.5 s in Push-T, if not by more than chance, on seeds that no result is reported
    /// for; see `Documentation/latency.md`.
    public init(joining: Joining = .warmStart(), interval: Int? = nil, rate: Double = 10) {
        self.joining = joining
        self.interval = interval
        self.rate = rate
    }

    /// How chunks follow each other unless told otherwise: the usual way to hide latency where something is late, and plain waiting where nothing is.
    public static func usualJoining(isLate: Bool) -> Joining { isLate ? ControlConfiguration().joining : .waiting }

    /// Receding-horizon control, which knows of no latency.
    public static let recedingHorizon = ControlConfiguration(joining: .waiting)

    /// Checks every value.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        try joining.validate()
        if let interval, !(1...1000).contains(interval) {
            throw InvalidSetting(key: "interval", expected: "1...1000 control steps", found: interval)
        }
        guard rate > 0, rate <= 10_000 else {
            throw InvalidSetting(key: "control_rate", expected: "above 0 and at most 10000 steps a second", found: rate)
        }
    }

    /// How many control steps pass until something is usable that takes so many seconds: rounded up, because it has to wait for the next step.
    ///
    /// A millionth of a step more does not count, as 0.7 s at 10 steps a second are seven steps though binary fractions make it a little more.
    /// - Precondition: `seconds` is not negative, and the steps are a sensible number.
    public func steps(for seconds: Double) -> Int {
        precondition(seconds >= 0 && seconds * rate <= 1e9, "\(seconds) seconds at \(rate) steps a second")
        return Int((seconds * rate - 1e-6).rounded(.up))
    }
}
