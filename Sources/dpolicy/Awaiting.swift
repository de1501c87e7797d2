import Foundation

/// Runs asynchronous work from a verb, which is not, and waits for its end.
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

/// What work has come to; the semaphore lets the writer go before the reader.
private final class Outcome<Value>: @unchecked Sendable {
    var result: Result<Value, any Error>?
    let isThere = DispatchSemaphore(value: 0)
}
