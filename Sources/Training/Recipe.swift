public import Demonstrations
public import Policies
import PolicyInterface

/// Everything that decides what a training run makes of demonstrations: the policy to train, and how.
public struct Recipe: Codable, Sendable, Equatable {
    /// A short name, as the file's.
    public var name: String
    /// What it is for, for people.
    public var description: String
    /// The task whose simulator the policy is rolled out in; nil for a robot that has none here.
    public var task: PolicyTask?
    /// The policy: what it sees and commands, its network, its diffusion.
    public var policy: PolicyConfiguration
    /// The training.
    public var training: TrainingConfiguration

    /// A recipe of its parts.
    public init(
        name: String, description: String = "", task: PolicyTask? = nil, policy: PolicyConfiguration,
        training: TrainingConfiguration = TrainingConfiguration()
    ) {
        self.name = name
        self.description = description
        self.task = task
        self.policy = policy
        self.training = training
    }

    /// Checks every value.
    /// - Throws: `InvalidSetting` or `HorizonError`.
    public func validate() throws {
        func under(_ prefix: String, _ check: () throws -> Void) throws {
            do { try check() } catch let error as InvalidSetting {
                throw InvalidSetting(key: "\(prefix).\(error.key)", expected: error.expected, found: error.found)
            }
        }
        try under("policy", policy.validate)
        try under("training", training.validate)
    }
}

extension Recipe {
    /// Writes every field, with null for a task that is absent, so that a reader sees what can be set.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(name, forKey: .name)
        try fields.encode(description, forKey: .description)
        try fields.encode(task, forKey: .task)
        try fields.encode(policy, forKey: .policy)
        try fields.encode(training, forKey: .training)
    }

    /// The recipe with what only the demonstrations tell: the widths of the observed fields.
    /// - Parameter seed: replaces the recipe's.
    /// - Throws: `ObservationError` or `TrainingError` when the demonstrations lack a field or hold it in another shape.
    public func resolved(for demonstrations: ReplayBuffer, seed: UInt64? = nil) throws -> Recipe {
        try validate()
        var recipe = self
        if let seed { recipe.training.seed = seed }
        recipe.policy.observations = try policy.observations.resolved(
            widths: demonstrations.widths, sizes: demonstrations.imageSizes)
        let width = try demonstrations.field(policy.action.field).width
        guard width == policy.action.dimension else {
            throw TrainingError.wrongData(
                key: "policy.action.dimension",
                expected: "\(width), the width of the demonstrations' field \"\(policy.action.field)\"",
                found: "\(policy.action.dimension)")
        }
        // Now that sizes are known, crops can be too large.
        try recipe.validate()
        return recipe
    }
}

extension Recipe {
    /// The shipped recipe `pusht-lowdim`: Push-T from keypoints with the small network.
    public static let pushTLowDim = Recipe(
        name: "pusht-lowdim",
        description: """
            Push-T from nine keypoints and the agent's position, as in the paper, with a network of 5.4 million parameters
            """,
        task: .pushT,
        policy: PolicyConfiguration(
            observations: .pushTKeypoints,
            action: ActionConfiguration(
                dimension: 2, limits: ActionConfiguration.Limits(lower: [0, 0], upper: [512, 512]))))
}
