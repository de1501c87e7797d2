/// An evaluation whose policy failed after some episodes had ended.
public struct IncompleteEvaluation: Error, CustomStringConvertible {
    /// The result of the episodes that ended, marked as incomplete.
    public let result: EvaluationResult
    /// The policy's error.
    public let cause: any Error

    /// The error and the number of episodes that ended before it, in one line.
    public var description: String {
        "\(cause); \(result.episodes.count) of \(result.settings.episodes) episodes had ended"
    }
}
