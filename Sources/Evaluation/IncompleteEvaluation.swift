/// An evaluation whose policy failed after some episodes had ended.
public struct IncompleteEvaluation: Error, CustomStringConvertible {
    /// What came of the episodes that ended, marked as incomplete.
    public let result: EvaluationResult
    /// What the policy threw.
    public let cause: any Error

    /// One line: what went wrong, and how many episodes ended before.
    public var description: String {
        "\(cause); \(result.episodes.count) of \(result.settings.episodes) episodes had ended"
    }
}
