/// A task with a simulator in this package, for policy rollouts.
///
/// ```swift
/// var recipe = try RecipeFile.read("recipes/my-pusht.yaml")
/// recipe.task = .pushT
/// ```
public enum PolicyTask: String, Codable, Sendable, CaseIterable {
    /// Pushing a T to its target.
    case pushT = "pusht"
}
