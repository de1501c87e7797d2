import DPBase

/// Runs asynchronous work from a synchronous subcommand and blocks until it ends.
func awaiting<Value: Sendable>(_ work: sending @escaping () async throws -> Value) throws -> Value {
    let outcome = Monitor<Result<Value, any Error>?>(nil)
    Task {
        let result: Result<Value, any Error>
        do { result = .success(try await work()) } catch { result = .failure(error) }
        outcome.change { $0 = result }
    }
    return try outcome.wait { $0 }.get()
}
