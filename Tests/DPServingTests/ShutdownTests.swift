import DPInterface
import DPServing
import Foundation
import Synchronization
import TestSupport
import Testing

/// Tests of the shutdown of a server.
@Suite(.timeLimit(.minutes(5))) struct ShutdownTests {
    @Test func completesRequestsInFlight() async throws {
        let record = FakePolicy.Record()
        let log = LogRecord()
        let server = try await PolicyServer.start(
            FakePolicy(record), metadata: FakePolicy.metadata,
            web: WebServerConfiguration(address: ListeningAddress(port: 0)), log: log.logger)
        let port = server.address.port
        record.closeGate()
        async let frames = onThread {
            let client = try RawClient(port: port)
            client.upgrade()
            _ = client.message()
            client.send(2, FakePolicy.message(FakePolicy.request(1)))
            let answer = client.message()
            let goodbye = client.message()
            client.send(8, [0x03, 0xE9])
            return [answer, goodbye, client.frame()]
        }
        #expect(await eventually { record.batches == [1] })
        async let end: Void = server.shutDown()
        // The server accepts no more connections.
        try await onThread { try wait(until: { (try? RawClient(port: port)) == nil }) }
        record.openGate()
        await end
        let received = try await frames
        let answer = try PolicyResponse(
            MessagePackValue(decoding: try #require(received[0]).payload), actionDimension: 2)
        #expect(answer.actions == Array(try FakePolicy.chunk(for: FakePolicy.request(1)).actions))
        #expect(received[1]?.code == 1001)
        #expect(received[2] == nil)
    }

    @Test func abandonsSlowRequestsAtShutdown() async throws {
        let record = FakePolicy.Record()
        let server = try await PolicyServer.start(
            FakePolicy(record), metadata: FakePolicy.metadata,
            web: WebServerConfiguration(
                address: ListeningAddress(port: 0), limits: WebServerLimits(shutdownTime: .milliseconds(200))),
            log: LogRecord().logger)
        let port = server.address.port
        record.closeGate()
        async let frame = onThread {
            let client = try RawClient(port: port)
            client.upgrade()
            _ = client.message()
            client.send(2, FakePolicy.message(FakePolicy.request(1)))
            return client.message()
        }
        #expect(await eventually { record.batches == [1] })
        let hasEnded = Mutex(false)
        let end = Task {
            await server.shutDown()
            hasEnded.withLock { $0 = true }
        }
        // The policy is still computing.
        #expect(await eventually { hasEnded.withLock { $0 } })
        #expect(try await frame == nil)
        record.openGate()
        await end.value
    }

    @Test func reportsAPortInUse() async throws {
        try await withServer { server in
            let address = server.address
            await #expect {
                _ = try await WebServer.start(
                    WebServerConfiguration(address: address), routes: [], sockets: [], log: LogRecord().logger)
            } throws: {
                "\($0)".contains("expected a free address of this machine")
            }
        }
    }

    @Test func detectsAStoppedServer() async throws {
        let log = LogRecord()
        let server = try await PolicyServer.start(
            FakePolicy(), metadata: FakePolicy.metadata,
            web: WebServerConfiguration(address: ListeningAddress(port: 0)), log: log.logger)
        let url = server.url
        let held = try await onThread { Held(client: try PolicyClient(ServerAddress(url))) }
        await server.shutDown()
        let text = try await onThread {
            message { _ = try held.client.predictActionChunks(for: [FakePolicy.request(1)]) }
        }
        #expect(text.contains(url) && text.contains("expected"), "\(text)")
    }

    private struct Held: @unchecked Sendable { let client: PolicyClient }

    @Test(arguments: [
        "http://localhost", "localhost:8000", "ws://", "ws://x:0", "ws://x:99999", "ws://me@x", "ws://x/?a", "ws://x#a",
    ])
    func addressesAreChecked(_ text: String) {
        #expect(throws: PolicyClientError.invalidAddress(text)) { try ServerAddress(text) }
    }
}
