import DPBase

/// Latencies in simulated time, in seconds: the world moves meanwhile, regardless of how long the computer really
/// takes.
///
/// Each latency is rounded up to whole control steps separately, because a result that is ready between two steps
/// waits for the next one: 0.25 s at 10 steps per second are three steps. An observation at step `t` takes effect
/// no sooner than at step `t + observation + computation + action`.
///
/// The clock starts when the first command takes effect. Nothing moves before that, so the first chunk of an episode
/// is never late.
package struct SimulatedLatency: Codable, Sendable, Hashable {
    /// From a state of the world until the controller receives its observation, as with a camera.
    package var observation: Double
    /// From a request to the policy until its chunk, as with a large network or a remote server.
    package var computation: Double
    /// From a command until the robot follows it.
    ///
    /// The controller knows this latency, and commands the actions for that later time.
    package var action: Double

    /// Creates latencies, 0 by default.
    package init(observation: Double = 0, computation: Double = 0, action: Double = 0) {
        self.observation = observation
        self.computation = computation
        self.action = action
    }

    /// One of the three latencies.
    package enum Part: String, Codable, Sendable, CaseIterable {
        /// The latency of the observation.
        case observation
        /// The latency of the computation.
        case computation
        /// The latency of the action.
        case action
    }

    /// Creates latencies of which one is not 0.
    package init(_ seconds: Double, of part: Part) {
        self.init()
        switch part {
        case .observation: observation = seconds
        case .computation: computation = seconds
        case .action: action = seconds
        }
    }

    /// From a state of the world until an action based on it takes effect.
    package var total: Double { observation + computation + action }

    /// The supported latencies, up to a minute.
    package static let supported = 0.0...60

    /// Checks every value.
    /// - Throws: `InputError`.
    package func validate() throws {
        for (key, value) in [("observation", observation), ("computation", computation), ("action", action)] {
            guard Self.supported.contains(value) else {
                throw InputError(key: "latency \(key)", expected: "\(Self.supported) seconds", found: value)
            }
        }
    }
}
