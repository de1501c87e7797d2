import DPGraph
import Foundation

/// Runs asynchronous work from a synchronous subcommand and blocks until it ends.
func awaiting<Value: Sendable>(_ work: sending @escaping () async throws -> Value) throws -> Value {
    let outcome = Outcome<Value>()
    Task {
        do { outcome.result = .success(try await work()) } catch { outcome.result = .failure(error) }
        outcome.isThere.signal()
    }
    outcome.isThere.wait()
    guard let result = outcome.result else { preconditionFailure("the work ended without an outcome") }
    return try result.get()
}

/// The result of asynchronous work.
///
/// The semaphore orders the write before the read.
private final class Outcome<Value>: @unchecked Sendable {
    var result: Result<Value, any Error>?
    let isThere = DispatchSemaphore(value: 0)
}
