import DPBase
import DPInterface
import DPServing
import Foundation
import TestSupport
import Testing

/// Batching of requests that wait at the same time.
@Suite(.timeLimit(.minutes(5))) struct BatchingTests {
    /// Requests a chunk with a new client.
    private func ask(_ url: String, _ request: ChunkRequest) async throws -> ActionChunk {
        try await onThread { try PolicyClient(ServerAddress(url)).predictActionChunks(for: [request])[0] }
    }

    /// Sends a request, and returns when the policy is computing it; the policy then blocks until the gate opens.
    private func occupy(_ record: FakePolicy.Record, _ url: String) async -> Task<ActionChunk, any Error> {
        record.closeGate()
        let task = Task { try await ask(url, FakePolicy.request(0)) }
        #expect(await eventually { record.batches == [1] })
        return task
    }

    /// Waits until the queue has a given length.
    private func expectQueue(_ length: Int, _ port: Int) async throws {
        try await onThread {
            try wait(until: {
                try RawClient(port: port).get("/metrics").contains("dpolicy_queue_length \(length)\n")
            })
        }
    }

    @Test func batchesWaitingRequests() async throws {
        let record = FakePolicy.Record()
        try await withServer(record, batching: BatchingConfiguration(maxBatchSize: 4)) { server in
            let (url, port) = (server.url, server.address.port)
            record.closeGate()
            let requests = (0..<8).map { FakePolicy.request(Float($0), seed: UInt64($0)) }
            try await withThrowingTaskGroup(of: (Int, ActionChunk).self) { group in
                group.addTask { (0, try await ask(url, requests[0])) }
                #expect(await eventually { record.batches == [1] })
                for index in 1..<8 { group.addTask { (index, try await ask(url, requests[index])) } }
                try await expectQueue(7, port)
                record.openGate()
                for try await (index, chunk) in group {
                    // The result does not depend on the other requests of the batch.
                    #expect(try chunk == FakePolicy.chunk(for: requests[index]))
                }
            }
            #expect(record.batches == [1, 4, 3])
        }
    }

    @Test func aFailingRequestDoesNotAffectOthers() async throws {
        let record = FakePolicy.Record()
        try await withServer(record) { server in
            let (url, port) = (server.url, server.address.port)
            let first = await occupy(record, url)
            let wrong = Task { try await ask(url, FakePolicy.request(-1)) }
            async let right = ask(url, FakePolicy.request(5))
            try await expectQueue(2, port)
            record.openGate()
            _ = try await first.value
            #expect(try await right == FakePolicy.chunk(for: FakePolicy.request(5)))
            await #expect(throws: PolicyClientError.self) { try await wrong.value }
        }
        #expect(record.batches == [1, 2, 1, 1])
    }

    /// Bisection: 8 requests, then 4 and 4; the half that fails as 2 and 2; the failing pair as 1 and 1.
    @Test func findsTheFailingRequestInFewBatches() async throws {
        let record = FakePolicy.Record()
        try await withServer(record) { server in
            let (url, port) = (server.url, server.address.port)
            let first = await occupy(record, url)
            let failures = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in [-1, 1, 2, 3, 4, 5, 6, 7] as [Float] {
                    group.addTask { (try? await ask(url, FakePolicy.request(number))) == nil }
                }
                try await expectQueue(8, port)
                record.openGate()
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            _ = try await first.value
            #expect(failures == 1)
        }
        #expect(record.batches.sorted() == [1, 1, 1, 2, 2, 4, 4, 8])
    }

    @Test func delaysABatchForRecentClients() async throws {
        let record = FakePolicy.Record()
        try await withServer(record, batching: BatchingConfiguration(maxBatchDelay: .seconds(1))) { server in
            let (url, port) = (server.url, server.address.port)
            let first = await occupy(record, url)
            async let second = ask(url, FakePolicy.request(1))
            async let third = ask(url, FakePolicy.request(2))
            try await expectQueue(2, port)
            record.letThrough()
            #expect(await eventually { record.batches == [1, 2] })
            // The batch of two takes long enough to delay the next one for a quarter of its time.
            try await Task.sleep(for: .milliseconds(400))
            record.openGate()
            _ = try await (first.value, second, third)
            let answer = try await onThread {
                let client = try RawClient(port: port)
                client.upgrade()
                _ = client.message()
                client.send(2, FakePolicy.message(FakePolicy.request(3)))
                return try PolicyResponse(
                    MessagePackValue(decoding: #require(client.message()).payload), actionDimension: 2)
            }
            #expect(answer.timing.batch == 1 && answer.timing.waiting > 90, "\(answer.timing)")
        }
        #expect(record.batches == [1, 2, 1])
    }

    /// Without the delay, clients that start at different times would alternate forever, in batches half as large.
    @Test func batchesClientsThatAlternate() async throws {
        let record = FakePolicy.Record()
        try await withServer(record, batching: BatchingConfiguration(maxBatchDelay: .seconds(1))) { server in
            let (url, port) = (server.url, server.address.port)
            let first = await occupy(record, url)
            async let second = ask(url, FakePolicy.request(1))
            try await expectQueue(1, port)
            // The second request is then delayed by one second, in which the first client sends its next one.
            try await Task.sleep(for: .seconds(6))
            record.openGate()
            _ = try await first.value
            _ = try await ask(url, FakePolicy.request(2))
            _ = try await second
        }
        #expect(record.batches == [1, 2])
    }

    @Test func aFullQueueRefuses() async throws {
        let record = FakePolicy.Record()
        try await withServer(record, batching: BatchingConfiguration(maxBatchSize: 1, maxQueueLength: 1)) { server in
            let url = server.url
            let first = await occupy(record, url)
            // The queue has room for one of two more requests.
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
            #expect(outcomes[0].contains("busy, 1 requests are waiting already"))
            #expect(outcomes[1].isEmpty)
            _ = try await first.value
        }
    }

    @Test func skipsRequestsOfDisconnectedClients() async throws {
        let record = FakePolicy.Record()
        try await withServer(record, batching: BatchingConfiguration(maxBatchSize: 1)) { server in
            let (url, port) = (server.url, server.address.port)
            let first = await occupy(record, url)
            try await onThread {
                let client = try RawClient(port: port)
                client.upgrade()
                _ = client.message()
                client.send(2, FakePolicy.message(FakePolicy.request(1)))
                try wait(until: {
                    try RawClient(port: port).get("/metrics").contains("dpolicy_queue_length 1\n")
                })
                withExtendedLifetime(client) {}
            }
            // The client was released at the end of the closure, which closed its connection.
            try await expectQueue(0, port)
            record.openGate()
            _ = try await first.value
            #expect(record.batches == [1])
        }
    }

    @Test func settingsAreChecked() {
        #expect(throws: InputError.self) { try BatchingConfiguration(maxBatchSize: 0).validate() }
        #expect(throws: InputError.self) { try BatchingConfiguration(maxQueueLength: 0).validate() }
        #expect(throws: InputError.self) { try BatchingConfiguration(maxBatchDelay: .seconds(-1)).validate() }
    }
}
