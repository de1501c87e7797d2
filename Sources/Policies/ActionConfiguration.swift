import PolicyInterface

/// What a policy commands, and how far it may go.
public struct ActionConfiguration: Sendable, Hashable {
    /// The smallest and largest value of each component, in raw units.
    public struct Limits: Codable, Sendable, Hashable {
        /// The smallest values, `[A]`.
        public var lower: [Double]
        /// The largest values, `[A]`.
        public var upper: [Double]

        /// Bounds for each component.
        public init(lower: [Double], upper: [Double]) {
            self.lower = lower
            self.upper = upper
        }
    }

    /// The field of the demonstrations that holds the actions; `action` by default.
    public var field: String
    /// How many components an action has: the `A` of shapes.
    public var dimension: Int
    /// Predicted actions are moved into these; none by default.
    public var limits: Limits?

    /// Actions of `dimension` components, without limits by default.
    public init(field: String = "action", dimension: Int, limits: Limits? = nil) {
        self.field = field
        self.dimension = dimension
        self.limits = limits
    }

    /// What each number of an action is called: `action[0]`.
    public var componentNames: [String] { (0..<dimension).map { "\(field)[\($0)]" } }

    /// Checks that the limits are ordered, finite and as many as the components.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        guard PolicyConfiguration.supportedDimensions.contains(dimension) else {
            throw InvalidSetting(
                key: "action.dimension", expected: "\(PolicyConfiguration.supportedDimensions)", found: dimension)
        }
        guard let limits else { return }
        for (key, values) in [("lower", limits.lower), ("upper", limits.upper)] {
            guard values.count == dimension, values.allSatisfy(\.isFinite) else {
                throw InvalidSetting(
                    key: "action.limits.\(key)", expected: "\(dimension) finite numbers", found: values)
            }
        }
        guard zip(limits.lower, limits.upper).allSatisfy({ $0 <= $1 }) else {
            throw InvalidSetting(
                key: "action.limits.upper", expected: "numbers from \(limits.lower) upwards", found: limits.upper)
        }
    }
}

extension ActionConfiguration: Codable {
    private enum CodingKeys: String, CodingKey {
        case field
        case dimension
        case limits
    }

    /// Writes every key, with null for absent limits, so that a reader sees what can be set.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(field, forKey: .field)
        try fields.encode(dimension, forKey: .dimension)
        try fields.encode(limits, forKey: .limits)
    }
}
