/// A task that has a simulator here, in which policies can be rolled out.
public enum PolicyTask: String, Codable, Sendable, CaseIterable {
    /// Pushing a T onto its place.
    case pushT = "pusht"
}
