import Foundation
import PolicyInterface
import PolicyMessages
import RemotePolicies
import Serving
import TestSupport
import Testing

/// Requests that wait at the same time.
@Suite(.timeLimit(.minutes(5))) struct BatchingTests {
    /// Asks with a client of its own.
    private func ask(_ url: String, _ request: ChunkRequest) async throws -> ActionChunk {
        try await onThread { try PolicyClient(ServerAddress(url)).chunks(for: [request])[0] }
    }

    private func metrics(_ port: Int) throws -> String { try RawClient(port: port).get("/metrics") }

    @Test func whatWaitsTogetherIsAnsweredTogether() async throws {
        let record = FakePolicy.Record()
        try await withServer(record, batching: BatchingConfiguration(largestBatch: 4)) { server in
            let (url, port) = (server.url, server.address.port)
            record.closeGate()
            let requests = (0..<8).map { FakePolicy.request(Float($0), seed: UInt64($0)) }
            try await withThrowingTaskGroup(of: (Int, ActionChunk).self) { group in
                group.addTask { (0, try await ask(url, requests[0])) }
                #expect(await eventually { record.batches == [1] })
                for index in 1..<8 { group.addTask { (index, try await ask(url, requests[index])) } }
                try await onThread { while try !metrics(port).contains("dpolicy_queue_length 7\n") {} }
                record.openGate()
                for try await (index, chunk) in group {
                    // The answer does not depend on the company.
                    #expect(try chunk == FakePolicy.chunk(for: requests[index]))
                }
            }
            #expect(record.batches == [1, 4, 3])
        }
    }

    @Test func oneThatFailsDoesNotHarmTheOthers() async throws {
        let record = FakePolicy.Record()
        try await withServer(record) { server in
            let url = server.url
            record.closeGate()
            async let first = ask(url, FakePolicy.request(0))
            #expect(await eventually { record.batches == [1] })
            let wrong = Task { try await ask(url, FakePolicy.request(-1)) }
            async let right = ask(url, FakePolicy.request(5))
            try await Task.sleep(for: .milliseconds(200))
            record.openGate()
            _ = try await first
            #expect(try await right == FakePolicy.chunk(for: FakePolicy.request(5)))
            await #expect(throws: PolicyClientError.self) { try await wrong.value }
        }
    }

    @Test func aFullQueueRefuses() async throws {
        let record = FakePolicy.Record()
        try await withServer(record, batching: BatchingConfiguration(largestBatch: 1, queue: 1)) { server in
            let url = server.url
            record.closeGate()
            async let first = ask(url, FakePolicy.request(0))
            #expect(await eventually { record.batches == [1] })
            // Of two more, one finds a place.
            let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 1...2 {
                    group.addTask {
                        do {
                            _ = try await ask(url, FakePolicy.request(Float(number)))
                            return ""
                        } catch { return "\(error)" }
                    }
                }
                let refused = try #require(try await group.next())
                record.openGate()
                return [refused, try #require(try await group.next())]
            }
            #expect(outcomes[0].contains("busy, 1 requests wait already"))
            #expect(outcomes[1].isEmpty)
            _ = try await first
        }
    }

    @Test func whoHasGoneIsNotAnswered() async throws {
        let record = FakePolicy.Record()
        try await withServer(record, batching: BatchingConfiguration(largestBatch: 1)) { server in
            let (url, port) = (server.url, server.address.port)
            record.closeGate()
            async let first = ask(url, FakePolicy.request(0))
            #expect(await eventually { record.batches == [1] })
            try await onThread {
                let client = try RawClient(port: port)
                client.upgrade()
                _ = client.message()
                client.send(2, FakePolicy.message(FakePolicy.request(1)))
                while try !metrics(port).contains("dpolicy_queue_length 1\n") {}
                withExtendedLifetime(client) {}
            }
            // The client went with its closure.
            try await onThread {
                while try !metrics(port).contains("dpolicy_queue_length 0\n") {}
            }
            record.openGate()
            _ = try await first
            #expect(record.batches == [1])
        }
    }

    @Test func settingsAreChecked() {
        #expect(throws: InvalidSetting.self) { try BatchingConfiguration(largestBatch: 0).validate() }
        #expect(throws: InvalidSetting.self) { try BatchingConfiguration(queue: 0).validate() }
        #expect(throws: InvalidSetting.self) { try BatchingConfiguration(gathering: .seconds(-1)).validate() }
    }
}
