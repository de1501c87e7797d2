import DPBase

/// The actions of a policy and their limits.
///
/// ```swift
/// var recipe = try RecipeFile.read("custom-robot")
/// recipe.policy.action = ActionConfiguration(feature: "joint_commands", dimension: 7)
/// ```
public struct ActionConfiguration: Codable, Sendable, Hashable {
    /// The smallest and largest value of each component, in raw units.
    ///
    /// ```swift
    /// var recipe = try RecipeFile.read("custom-robot")
    /// recipe.policy.action = ActionConfiguration(dimension: 2)
    /// recipe.policy.action.limits = ActionConfiguration.Limits(lower: [-1.57, 0], upper: [1.57, 2.6])  // radians
    /// ```
    public struct Limits: Codable, Sendable, Hashable {
        /// The smallest values, `[A]`.
        public var lower: [Double]
        /// The largest values, `[A]`.
        public var upper: [Double]

        /// Creates limits for each component.
        public init(lower: [Double], upper: [Double]) {
            self.lower = lower
            self.upper = upper
        }
    }

    /// The feature of the dataset that contains the actions; `action` by default.
    public var feature: String
    /// Number of components of an action, the `A` of shapes; 0 until a recipe is resolved for a dataset.
    public var dimension: Int
    /// The limits that predicted actions are clamped to; none by default.
    public var limits: Limits?

    /// Creates a configuration of actions, without limits by default.
    public init(feature: String = "action", dimension: Int = 0, limits: Limits? = nil) {
        self.feature = feature
        self.dimension = dimension
        self.limits = limits
    }

    /// The name of each component of an action: `action[0]`.
    package var componentNames: [String] { (0..<dimension).map { "\(feature)[\($0)]" } }

    /// Checks that the limits are ordered and finite, one per component.
    /// - Throws: `InputError`.
    package func validate() throws {
        guard dimension == 0 || PolicyConfiguration.supportedDimensions.contains(dimension) else {
            throw InputError(
                key: "action.dimension", expected: "\(PolicyConfiguration.supportedDimensions)", found: dimension)
        }
        guard let limits else { return }
        let count = dimension == 0 ? limits.lower.count : dimension
        for (key, values) in [("lower", limits.lower), ("upper", limits.upper)] {
            guard values.count == count, values.allSatisfy(\.isFinite) else {
                throw InputError(
                    key: "action.limits.\(key)", expected: "\(count) finite numbers", found: values)
            }
        }
        guard zip(limits.lower, limits.upper).allSatisfy({ $0 <= $1 }) else {
            throw InputError(
                key: "action.limits.upper", expected: "numbers from \(limits.lower) upwards", found: limits.upper)
        }
    }
}

extension ActionConfiguration {
    /// Writes every key, with null for absent limits, to show all available settings.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(feature, forKey: .feature)
        try values.encode(dimension, forKey: .dimension)
        try values.encode(limits, forKey: .limits)
    }
}
