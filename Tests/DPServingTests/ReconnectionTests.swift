import DPServing
import Foundation
import TestSupport
import Testing

/// Clients that lose their connection.
@Suite(.timeLimit(.minutes(5))) struct ReconnectionTests {
    private func client(
        _ port: Int, connections: Int = 16, silence: Duration = .seconds(5), retry: Duration = .seconds(60)
    ) throws -> PolicyClient {
        // A response may take longer than the whole suite.
        try PolicyClient(
            ServerAddress("ws://127.0.0.1:\(port)"),
            configuration: PolicyClientConfiguration(
                connections: connections, responseTimeout: .seconds(3600), idleTimeout: silence, retryDuration: retry))
    }

    private let requests = (0..<6).map { FakePolicy.request(Float($0), seed: UInt64($0)) }

    /// The client repeats the requests, and the responses are the same.
    @Test func aDroppedConnectionLosesNothing() async throws {
        let record = FakePolicy.Record()
        try await withServer(record) { server in
            let port = server.address.port
            let expected = try requests.map { try FakePolicy.chunk(for: $0) }
            let requests = requests
            try await onThread {
                let relay = try Relay(to: port)
                defer { relay.close() }
                let client = try client(relay.port, connections: 2)
                record.closeGate()
                Thread.detachNewThread {
                    try? wait(until: { !record.batches.isEmpty })
                    relay.cut()
                    record.openGate()
                }
                #expect(try client.predictActionChunks(for: requests) == expected)
                // The same for a connection that is lost between two requests.
                relay.cut()
                try client.prepare(count: 2)
                #expect(try client.predictActionChunks(for: requests) == expected)
            }
        }
    }

    /// The client repeats only requests without a response.
    @Test func doesNotRepeatCompletedRequests() async throws {
        let record = FakePolicy.Record()
        try await withServer(record, batching: BatchingConfiguration(maxBatchSize: 1)) { server in
            let port = server.address.port
            let expected = try requests.map { try FakePolicy.chunk(for: $0) }
            let requests = requests
            try await onThread {
                let relay = try Relay(to: port)
                defer { relay.close() }
                let client = try client(relay.port, connections: 1)
                record.closeGate()
                Thread.detachNewThread {
                    for count in 1...4 {
                        try? wait(until: { record.batches.count == count })
                        let before = relay.answered
                        record.letThrough()
                        try? wait(until: { relay.answered > before })
                    }
                    try? wait(until: { record.batches.count == 5 })
                    relay.cut()
                    record.openGate()
                }
                #expect(try client.predictActionChunks(for: requests) == expected)
                // The first four responses have arrived. `relay.answered` may have counted a pong as one of them.
                #expect(record.batches.count < 6 + 4)
            }
        }
    }

    @Test func givesUpOnAnAbsentServer() async throws {
        try await withServer { server in
            let port = server.address.port
            let requests = requests
            try await onThread {
                let relay = try Relay(to: port)
                let client = try client(relay.port, retry: .milliseconds(300))
                relay.close()
                let text = message { _ = try client.predictActionChunks(for: requests) }
                #expect(text.contains("127.0.0.1:\(relay.port)"), "\(text)")
                #expect(message { try client.prepare(count: 1) }.contains("expected a policy server, found none"))
            }
        }
    }

    /// Neither side gets an error from a dead connection.
    ///
    /// Without pings, the client would wait for an hour.
    @Test func detectsADeadLink() async throws {
        try await withServer { server in
            let port = server.address.port
            let requests = requests
            try await onThread {
                let relay = try Relay(to: port)
                defer { relay.close() }
                let client = try client(relay.port, silence: .seconds(1), retry: .zero)
                #expect(try client.predictActionChunks(for: requests).count == 6)
                relay.die()
                let text = message { _ = try client.predictActionChunks(for: requests) }
                #expect(text.contains("nothing was received for 1.0 seconds"), "\(text)")
            }
        }
    }

    /// A policy may be slow while the connection is alive, also when requests queue behind each other.
    @Test func waitsForASlowResponse() async throws {
        let record = FakePolicy.Record()
        try await withServer(record, batching: BatchingConfiguration(maxBatchSize: 1)) { server in
            let port = server.address.port
            let requests = requests
            try await onThread {
                let client = try client(port, connections: 1, silence: .seconds(3), retry: .zero)
                record.closeGate()
                Thread.detachNewThread {
                    Thread.sleep(forTimeInterval: 6)
                    record.openGate()
                }
                #expect(try client.predictActionChunks(for: requests).count == 6)
                #expect(record.batches.count == 6)
            }
        }
    }
}
