import DPInterface
import DPServing
import Foundation
import Logging
import Synchronization

/// Runs a body with a server of a fake policy, and shuts the server down afterward.
func withServer(
    _ record: FakePolicy.Record = FakePolicy.Record(), names: FeatureNames = FeatureNames(),
    limits: WebServerLimits = WebServerLimits(), key: String? = nil, security: TransportSecurity? = nil,
    batching: BatchingConfiguration = BatchingConfiguration(), ranges: TrainingRanges? = nil,
    isStrict: Bool = false, log: LogRecord = LogRecord(), _ body: (PolicyServer) async throws -> Void
) async throws {
    var metadata = FakePolicy.metadata
    metadata.demonstratedRanges = ranges
    let server = try await PolicyServer.start(
        FakePolicy(record), metadata: metadata, names: names,
        web: WebServerConfiguration(
            address: ListeningAddress(port: 0), key: try key.map { try AccessKey($0) }, security: security,
            limits: limits), batching: batching, isStrict: isStrict, log: log.logger)
    do { try await body(server) } catch {
        // Shutting down waits for the pending responses.
        record.openGate()
        await server.shutDown()
        throw error
    }
    await server.shutDown()
}

/// Runs a blocking body on its own thread, because the server needs the threads of Swift's tasks.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}

extension PolicyServer {
    /// The URL for clients.
    var url: String { "ws://\(address)" }
}

/// A record of log messages.
final class LogRecord: Sendable {
    private let lines = Mutex<[String]>([])

    var messages: [String] { lines.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(record: self) } }

    private struct Handler: LogHandler {
        let record: LogRecord
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { record.lines.withLock { $0.append("\(event.message)") } }
    }
}

/// A flag that is set once.
final class Flag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool { value.withLock { $0 } }

    func set() { value.withLock { $0 = true } }
}

/// The error when a condition was not met in time.
struct NeverHappened: Error {}

/// Blocks this thread until a condition holds that other threads bring about.
/// - Throws: `NeverHappened` after two minutes, since other tests may take that long.
func wait(until condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(120)
    while try !condition() {
        if ContinuousClock.now > end { throw NeverHappened() }
        usleep(10_000)
    }
}

/// Waits until a condition holds that other threads bring about, and returns whether it does.
func eventually(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<3000 {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return false
}
