import PolicyInterface

/// Latencies in simulated time, in seconds: the world moves on meanwhile, however long the computer really takes.
///
/// Each is rounded up to whole control steps by itself, since whatever is ready between two steps waits for the next one: 0.25 s at 10 steps a second are
/// three steps. What was seen at step `t` has effect no sooner than at step `t + observation + computation + action`.
///
/// Nothing moves before the first command takes effect, so the first chunk of an episode comes in time: the clock starts with it.
public struct SimulatedLatency: Codable, Sendable, Hashable {
    /// From the world being in a state until the controller sees it, as with a camera.
    public var observation: Double
    /// From a question to the policy until its answer, as with a large network or one far away.
    public var computation: Double
    /// From a command until the robot follows it.
    ///
    /// The controller knows it, and commands what is to be done at that later time.
    public var action: Double

    /// No latency unless told otherwise.
    public init(observation: Double = 0, computation: Double = 0, action: Double = 0) {
        self.observation = observation
        self.computation = computation
        self.action = action
    }

    /// One of the three, by its name.
    public enum Part: String, Codable, Sendable, CaseIterable {
        /// Seeing takes time.
        case observation
        /// Computing takes time.
        case computation
        /// Acting takes time.
        case action
    }

    /// A latency of which one part is not 0.
    public init(_ seconds: Double, of part: Part) {
        self.init()
        switch part {
        case .observation: observation = seconds
        case .computation: computation = seconds
        case .action: action = seconds
        }
    }

    /// From the world being in a state until an action that regards it takes effect.
    public var total: Double { observation + computation + action }

    /// The longest latency that is simulated: a minute.
    public static let supported = 0.0...60

    /// Checks every value.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        for (key, value) in [("observation", observation), ("computation", computation), ("action", action)] {
            guard Self.supported.contains(value) else {
                throw InvalidSetting(key: "latency \(key)", expected: "\(Self.supported) seconds", found: value)
            }
        }
    }
}
