/// How far a policy looks back and ahead, in control steps: the `To`, `Tp` and `Ta` of the paper.
///
/// ```
/// observations  |o|o|                                observation = 2
/// prediction    |p|p|p|p|p|p|p|p|p|p|p|p|p|p|p|p|    prediction  = 16
/// executed        |a|a|a|a|a|a|a|a|                  action      = 8, starting at the newest observation
/// ```
public struct Horizon: Codable, Sendable, Hashable {
    /// Observations that condition a prediction (`To`).
    public var observation: Int
    /// Actions predicted at once (`Tp`); the first one belongs to the oldest of the observations.
    public var prediction: Int
    /// Actions executed before the policy looks again (`Ta`).
    public var action: Int

    /// The paper's Push-T values by default: 2, 16 and 8.
    public init(observation: Int = 2, prediction: Int = 16, action: Int = 8) {
        self.observation = observation
        self.prediction = prediction
        self.action = action
    }

    /// The part of a prediction that is executed: it starts at the newest observation.
    public var executed: Range<Int> { observation - 1..<observation - 1 + action }

    /// Checks that the executed actions lie inside the prediction.
    /// - Throws: `HorizonError`, which says which lengths would work.
    public func validate() throws {
        guard observation >= 1, action >= 1, prediction >= observation - 1 + action else {
            throw HorizonError(horizon: self)
        }
    }
}

/// Lengths that contradict each other.
public struct HorizonError: Error, Equatable, CustomStringConvertible {
    /// The horizon that was refused.
    public let horizon: Horizon

    /// What was expected, what was found and what to do.
    public var description: String {
        let longest = horizon.prediction - max(horizon.observation, 1) + 1
        let hint =
            longest >= 1
            ? "with these, the action horizon may be 1...\(longest)"
            : "make the prediction horizon at least \(max(horizon.observation, 1) - 1 + max(horizon.action, 1))"
        return """
            horizon: expected observation ≥ 1, action ≥ 1 and prediction ≥ observation − 1 + action, found observation \
            \(horizon.observation), prediction \(horizon.prediction), action \(horizon.action); \(hint)
            """
    }
}
