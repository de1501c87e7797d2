/// An evaluation whose policy failed after some episodes had ended.
///
/// ```swift
/// let remote = try PolicyClient(ServerAddress("ws://10.0.0.2:8000"))
/// do {
///     print(try Evaluator { PushTEnvironment(seed: $0) }.evaluate(remote).score)
/// } catch let error as IncompleteEvaluation {
///     print(error)
///     print("finished seeds:", error.result.episodes.map(\.seed))
/// }
/// ```
public struct IncompleteEvaluation: Error, CustomStringConvertible {
    /// The result of the episodes that ended, marked as incomplete.
    public let result: EvaluationResult
    /// The policy's error.
    package let cause: any Error

    /// The error and the number of episodes that ended before it, in one line.
    public var description: String {
        "\(cause); \(result.episodes.count) of \(result.settings.episodes) episodes had ended"
    }
}
