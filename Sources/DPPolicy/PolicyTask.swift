/// A task with a simulator in this package, for policy rollouts.
public enum PolicyTask: String, Codable, Sendable, CaseIterable {
    /// Pushing a T to its target.
    case pushT = "pusht"
}
