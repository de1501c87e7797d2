import DPBase

/// The number of control steps that a policy observes, predicts and executes: the `To`, `Tp` and `Ta` of the paper.
///
/// ```
/// observations  |o|o|                                observation = 2
/// prediction    |p|p|p|p|p|p|p|p|p|p|p|p|p|p|p|p|    prediction  = 16
/// executed        |a|a|a|a|a|a|a|a|                  action      = 8, starting at the newest observation
/// ```
///
/// ```swift
/// var recipe = try RecipeFile.read("custom-robot")
/// recipe.policy.horizon = Horizon(observation: 1, prediction: 32, action: 16)
/// ```
public struct Horizon: Codable, Sendable, Hashable {
    /// Observations that condition a prediction (`To`).
    public var observation: Int
    /// Actions predicted at once (`Tp`); the first one belongs to the oldest of the observations.
    public var prediction: Int
    /// Actions executed before the next prediction (`Ta`).
    public var action: Int

    /// Creates a horizon, by default with the paper's Push-T values: 2, 16 and 8.
    public init(observation: Int = 2, prediction: Int = 16, action: Int = 8) {
        self.observation = observation
        self.prediction = prediction
        self.action = action
    }

    /// The part of a prediction that is executed: it starts at the newest observation.
    public var executed: Range<Int> { observation - 1..<observation - 1 + action }

    /// Checks that the executed actions lie inside the prediction.
    /// - Throws: `InputError`, which states the valid lengths.
    package func validate() throws {
        guard observation < 1 || action < 1 || prediction < observation - 1 + action else { return }
        let longest = prediction - max(observation, 1) + 1
        throw InputError(
            key: "horizon",
            expected: "observation ≥ 1, action ≥ 1 and prediction ≥ observation − 1 + action",
            found: "observation \(observation), prediction \(prediction), action \(action)",
            hint: longest >= 1
                ? "with these, the action horizon may be 1...\(longest)"
                : "make the prediction horizon at least \(max(observation, 1) - 1 + max(action, 1))")
    }
}
