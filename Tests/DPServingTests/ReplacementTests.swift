import DPInterface
import DPServing
import TestSupport
import Testing

/// Replacement of the policy while clients send requests.
@Suite(.timeLimit(.minutes(5))) struct ReplacementTests {
    private func metrics(_ port: Int) async throws -> String {
        try await onThread { try RawClient(port: port).get("/metrics") }
    }

    private func ask(_ url: String, _ number: Float) async throws -> ActionChunk {
        try await onThread {
            try PolicyClient(ServerAddress(url)).predictActionChunks(for: [FakePolicy.request(number)])[0]
        }
    }

    private func answer(_ number: Float, offset: Float) throws -> ActionChunk {
        try FakePolicy.chunk(for: FakePolicy.request(number), offset: offset)
    }

    @Test func theOldPolicyFinishesItsBatchAndTheNewOneTakesWaitingRequests() async throws {
        let (old, new) = (FakePolicy.Record(), FakePolicy.Record())
        try await withServer(old) { server in
            let (url, port) = (server.url, server.address.port)
            old.closeGate()
            async let first = ask(url, 0)
            #expect(await eventually { old.batches == [1] })
            async let second = ask(url, 1)
            async let third = ask(url, 2)
            try await onThread {
                try wait(until: {
                    try RawClient(port: port).get("/metrics").contains("dpolicy_queue_length 2\n")
                })
            }
            async let replacement: Void = server.replacePolicy {
                (FakePolicy(new, offset: 100), FakePolicy.metadata)
            }
            // The new policy is prepared for every batch size before its first batch.
            #expect(await eventually { new.prepared == Array(1...16) })
            #expect(new.batches.isEmpty && !old.isReleased)
            old.openGate()
            try await replacement
            #expect(try await first == answer(0, offset: 0))
            #expect(try await second == answer(1, offset: 100))
            #expect(try await third == answer(2, offset: 100))
            #expect(try await ask(url, 3) == answer(3, offset: 100))
            #expect(old.batches == [1] && new.batches.reduce(0, +) == 3)
            #expect(await eventually { old.isReleased })
            #expect(try await metrics(port).contains("dpolicy_reloads_total{outcome=\"replaced\"} 1\n"))
        }
        #expect(await eventually { new.isReleased })
    }

    @Test func underLoadEveryRequestIsAnsweredOnce() async throws {
        let records = (0...10).map { _ in FakePolicy.Record() }
        try await withServer(records[0]) { server in
            let url = server.url
            let isOver = Flag()
            let asked = try await withThrowingTaskGroup(of: Int.self) { group in
                for robot in 0..<4 {
                    group.addTask {
                        try await onThread {
                            let client = try PolicyClient(ServerAddress(url))
                            var (count, latest) = (0, 0)
                            while !isOver.isSet {
                                let request = FakePolicy.request(Float(robot), seed: UInt64(count))
                                let chunk = try client.predictActionChunks(for: [request])[0]
                                let policy = try (0...10).first {
                                    try chunk == FakePolicy.chunk(for: request, offset: Float(100 * $0))
                                }
                                // A replaced policy never returns.
                                #expect(try #require(policy) >= latest)
                                latest = policy ?? latest
                                count += 1
                            }
                            return count
                        }
                    }
                }
                for number in 1...10 {
                    let record = records[number]
                    try await server.replacePolicy {
                        (FakePolicy(record, offset: Float(100 * number)), FakePolicy.metadata)
                    }
                    #expect(try await ask(url, 7) == answer(7, offset: Float(100 * number)))
                }
                isOver.set()
                return try await group.reduce(0, +)
            }
            #expect(asked >= 4)
            #expect(records.flatMap(\.batches).reduce(0, +) == asked + 10)
            #expect(await eventually { records.dropLast().allSatisfy(\.isReleased) })
        }
    }

    @Test func aPolicyThatCannotBeServedLeavesTheOldOne() async throws {
        let old = FakePolicy.Record()
        try await withServer(old) { server in
            var (fields, dimension, horizon) = (FakePolicy.metadata, FakePolicy.metadata, FakePolicy.metadata)
            fields.observations.features[0].size = 4
            dimension.actionDimension = 3
            horizon.horizon.action = 1
            for (metadata, words) in [
                (fields, "state [3], as in the metadata sent to clients, found state [4]"),
                (dimension, "action dimension: expected 2"),
                (horizon, "action 2, as in the metadata sent to clients, found observation 2, prediction 4, action 1"),
            ] {
                await #expect {
                    try await server.replacePolicy { (FakePolicy(offset: 100), metadata) }
                } throws: {
                    "\($0)".contains(words)
                }
            }
            await #expect(throws: FakePolicy.Failure.self) {
                try await server.replacePolicy { throw FakePolicy.Failure() }
            }
            await #expect(throws: FakePolicy.Failure.self) {
                try await server.replacePolicy { (FakePolicy(offset: 100, isBroken: true), FakePolicy.metadata) }
            }
            let (url, port) = (server.url, server.address.port)
            #expect(try await ask(url, 1) == answer(1, offset: 0))
            #expect(!old.isReleased)
            let text = try await metrics(port)
            #expect(text.contains("dpolicy_reloads_total{outcome=\"failed\"} 5\n"), "\(text)")
            #expect(text.contains("dpolicy_reloads_total{outcome=\"replaced\"} 0\n"), "\(text)")
            // The name does not matter.
            var renamed = FakePolicy.metadata
            renamed.name = "other"
            try await server.replacePolicy { [renamed] in (FakePolicy(offset: 100), renamed) }
            #expect(try await ask(url, 1) == answer(1, offset: 100))
        }
    }

    @Test func aServerThatShutsDownTakesNoPolicy() async throws {
        let (old, new) = (FakePolicy.Record(), FakePolicy.Record())
        let (isLoading, mayLoad) = (Flag(), Flag())
        try await withServer(old) { server in
            let replacement = Task {
                try await server.replacePolicy {
                    isLoading.set()
                    try wait(until: { mayLoad.isSet })
                    return (FakePolicy(new), FakePolicy.metadata)
                }
            }
            #expect(await eventually { isLoading.isSet })
            await server.shutDown()
            mayLoad.set()
            await #expect {
                try await replacement.value
            } throws: {
                "\($0)".contains("shutting down")
            }
            #expect(await eventually { old.isReleased && new.isReleased })
            #expect(new.prepared.isEmpty)
        }
    }
}
