import DPBase

/// The optimizer AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019).
///
/// The defaults are the paper's for state observations (Chi et al. 2023, appendix; the reference configuration of
/// Push-T).
///
/// ```swift
/// var recipe = try RecipeFile.read("custom-robot")
/// recipe.training.optimizer.learningRate = 3e-4
/// recipe.training.optimizer.weightDecay = 1e-3
/// ```
public struct AdamWConfiguration: Codable, Sendable, Hashable {
    /// The largest learning rate; a schedule lowers it.
    public var learningRate = 1e-4
    /// Decay of the first moment (β₁): the fraction of the mean gradient kept by an update.
    public var beta1 = 0.95
    /// Decay of the second moment (β₂): the fraction of the mean squared gradient kept by an update.
    public var beta2 = 0.999
    /// The constant added to the root of the second moment (ε), so that parameters with no gradient stay unchanged.
    public var epsilon = 1e-8
    /// The fraction of a weight that an update subtracts, multiplied by the learning rate.
    public var weightDecay = 1e-6

    /// Creates the paper's configuration.
    package init() {}

    /// Checks every value.
    /// - Throws: `InputError`.
    package func validate() throws {
        func check(_ key: String, _ value: Double, _ isValid: Bool, _ expected: String) throws {
            guard isValid else { throw InputError(key: key, expected: expected, found: value) }
        }
        try check("learning_rate", learningRate, learningRate > 0 && learningRate.isFinite, "a number above 0")
        try check("beta1", beta1, 0 <= beta1 && beta1 < 1, "0 ≤ beta1 < 1")
        try check("beta2", beta2, 0 <= beta2 && beta2 < 1, "0 ≤ beta2 < 1")
        try check("epsilon", epsilon, epsilon > 0 && epsilon.isFinite, "a number above 0")
        try check("weight_decay", weightDecay, weightDecay >= 0 && weightDecay.isFinite, "0 or a number above")
    }
}
