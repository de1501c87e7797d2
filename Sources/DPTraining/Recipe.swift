import DPBase
package import DPDatasets
import DPInterface
public import DPPolicy

/// A complete description of a training run, apart from the dataset: the policy and the training settings.
///
/// ```swift
/// var recipe = try RecipeFile.read("custom-robot")
/// recipe.name = "pour-water"
/// recipe.policy.observations.features.append(FeatureSelection("wrist_force"))
/// recipe.training.steps = 40_000
/// ```
public struct Recipe: Codable, Sendable, Equatable {
    /// A short name, the same as the file's.
    public var name: String
    /// The purpose of the recipe, for readers.
    public var description: String
    /// The task whose simulator runs the rollouts; nil for a robot without a simulator here.
    public var task: PolicyTask?
    /// The policy: its observations and actions, its network, its diffusion.
    public var policy: PolicyConfiguration
    /// The training settings.
    public var training: TrainingConfiguration

    /// Creates a recipe.
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
    /// - Throws: `InputError`.
    package func validate() throws {
        try InputError.under("policy", policy.validate)
        try InputError.under("training", training.validate)
    }
}

extension Recipe {
    /// Returns the recipe with the values that depend on the dataset: the sizes of the observed features and of the
    /// action.
    /// - Parameter seed: replaces the recipe's seed.
    /// - Throws: `InputError` or `TrainingError` when the dataset lacks a feature or has it in another shape.
    package func resolved(for demonstrations: InMemoryDataset, seed: UInt64? = nil) throws -> Recipe {
        try validate()
        var recipe = self
        if let seed { recipe.training.seed = seed }
        recipe.policy.observations = try policy.observations.resolved(
            featureSizes: demonstrations.featureSizes, sizes: demonstrations.imageSizes)
        let size = try demonstrations.feature(policy.action.feature).size
        guard [0, size].contains(policy.action.dimension) else {
            throw TrainingError.wrongData(
                key: "policy.action.dimension",
                expected: "\(size), the size of the dataset's feature \"\(policy.action.feature)\"",
                found: "\(policy.action.dimension)")
        }
        recipe.policy.action.dimension = size
        // Now that the sizes are known, check that crops are not too large.
        try recipe.validate()
        return recipe
    }
}

extension Recipe {
    /// The shipped recipe `pusht-lowdim`: Push-T from keypoints with the small network.
    package static let pushTLowDim = Recipe(
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
