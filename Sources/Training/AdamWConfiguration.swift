import PolicyInterface

/// The optimiser AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019).
///
/// The defaults are the paper's for state observations (Chi et al. 2023, appendix; the reference configuration of Push-T).
public struct AdamWConfiguration: Codable, Sendable, Hashable {
    /// The largest learning rate; a schedule lowers it.
    public var learningRate: Double
    /// Decay of the first moment (β₁): how much of the mean gradient survives an update.
    public var beta1: Double
    /// Decay of the second moment (β₂): how much of the mean squared gradient survives an update.
    public var beta2: Double
    /// What is added to the root of the second moment (ε), so that parameters with no gradient stay put.
    public var epsilon: Double
    /// The fraction of a weight that an update takes away, times the learning rate.
    public var weightDecay: Double

    private enum CodingKeys: String, CodingKey {
        case learningRate = "learning_rate"
        case beta1
        case beta2
        case epsilon
        case weightDecay = "weight_decay"
    }

    /// The paper's values by default.
    public init(
        learningRate: Double = 1e-4, beta1: Double = 0.95, beta2: Double = 0.999,
        epsilon: Double = 1e-8, weightDecay: Double = 1e-6
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// Checks every value.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        func check(_ key: String, _ value: Double, _ isValid: Bool, _ expected: String) throws {
            guard isValid else { throw InvalidSetting(key: "optimizer.\(key)", expected: expected, found: value) }
        }
        try check("learning_rate", learningRate, learningRate > 0 && learningRate.isFinite, "a number above 0")
        try check("beta1", beta1, 0 <= beta1 && beta1 < 1, "0 ≤ beta1 < 1")
        try check("beta2", beta2, 0 <= beta2 && beta2 < 1, "0 ≤ beta2 < 1")
        try check("epsilon", epsilon, epsilon > 0 && epsilon.isFinite, "a number above 0")
        try check("weight_decay", weightDecay, weightDecay >= 0 && weightDecay.isFinite, "0 or a number above")
    }
}

extension AdamWConfiguration {
    /// Reads the fields that are given; the others keep their defaults.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        learningRate = try fields.decodeIfPresent(Double.self, forKey: .learningRate) ?? learningRate
        beta1 = try fields.decodeIfPresent(Double.self, forKey: .beta1) ?? beta1
        beta2 = try fields.decodeIfPresent(Double.self, forKey: .beta2) ?? beta2
        epsilon = try fields.decodeIfPresent(Double.self, forKey: .epsilon) ?? epsilon
        weightDecay = try fields.decodeIfPresent(Double.self, forKey: .weightDecay) ?? weightDecay
    }
}
