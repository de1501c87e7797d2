import DPBase
import DPInterface
import DPServing
import Foundation
import TestSupport
import Testing

/// A server and its clients on loopback.
@Suite(.timeLimit(.minutes(5))) struct PolicyServerTests {
    @Test func aRemotePolicyMatchesALocalOne() async throws {
        try await withServer { server in
            let url = server.url
            try await onThread {
                let client = try PolicyClient(ServerAddress(url))
                #expect(client.metadata == FakePolicy.metadata)
                let requests = (0..<40).map { FakePolicy.request(Float($0), seed: UInt64($0)) }
                let expected = try requests.map { try FakePolicy.chunk(for: $0) }
                #expect(try client.predictActionChunks(for: requests) == expected)
                let noisy = FakePolicy.request(1, noise: fill("noise", count: 8))
                #expect(try client.predictActionChunks(for: [noisy]) == [FakePolicy.chunk(for: noisy)])
                var warm = FakePolicy.request(1)
                warm.start = WarmStart(actions: (0..<4).map { [Float($0), 1] }, strength: 0.5)
                #expect(try client.predictActionChunks(for: [warm]) == [FakePolicy.chunk(for: warm)])
                warm.start?.actions.removeLast()
                #expect(throws: InputError.self) { try client.predictActionChunks(for: [warm]) }
                // A controller can use the client like any other policy.
                var controller = RecedingHorizonController(client, seed: 3)
                var local = RecedingHorizonController(FakePolicy(), seed: 3)
                for time in 0..<7 {
                    let observation = RobotObservation(vectors: ["state": [Float(time), 0, 1]])
                    #expect(try controller.action(for: observation) == local.action(for: observation))
                }
            }
        }
    }

    @Test func anErrorLeavesTheConnectionUsable() async throws {
        try await withServer { server in
            let port = server.address.port
            try await onThread {
                let client = try RawClient(port: port)
                #expect(client.upgrade().hasPrefix("HTTP/1.1 101"))
                let metadata = try #require(client.message())
                #expect(metadata.opcode == 2)
                #expect(try PolicyMetadata.read(MessagePackValue(decoding: metadata.payload)).metadata.name == "fake")
                let good = FakePolicy.message(FakePolicy.request(1))
                let wrongs: [(UInt8, [UInt8], String)] = [
                    (2, [], "message"), (2, [0xC1], "0xC1"), (2, Array(good.dropLast()), "more byte"),
                    (2, [0xDD, 0xFF, 0xFF, 0xFF, 0xFF], "declared"), (1, Array("hello".utf8), "binary MessagePack"),
                    (2, MessagePackValue.map([]).encoded, "\"state\""),
                    (2, FakePolicy.message(FakePolicy.request(.nan)), "finite"),
                    (2, FakePolicy.message(FakePolicy.request(-1)), "no chunk for this request"),
                ]
                for (opcode, payload, words) in wrongs {
                    client.send(opcode, payload)
                    let error = try #require(client.message())
                    #expect(error.opcode == 1 && error.text.contains(words), "\(error.text)")
                    client.send(2, good)
                    let answer = try PolicyResponse(
                        MessagePackValue(decoding: #require(client.message()).payload), actionDimension: 2)
                    #expect(answer.actions == Array(try FakePolicy.chunk(for: FakePolicy.request(1)).actions))
                    #expect(answer.timing.previousTotal != nil)
                }
                // A fragmented message with a ping in between.
                client.send(2, Array(good[..<10]), isFinal: false)
                client.send(9, [42])
                client.send(0, Array(good[10...]))
                #expect(client.message() == RawClient.Frame(opcode: 10, payload: [42]))
                #expect(client.message()?.opcode == 2)
                client.send(8, [0x03, 0xE8])
                #expect(client.message()?.code == 1000)
                #expect(client.frame() == nil)
            }
        }
    }

    @Test func withoutASeedAnswersDiffer() async throws {
        try await withServer { server in
            let port = server.address.port
            try await onThread {
                let client = try RawClient(port: port)
                client.upgrade()
                _ = client.message()
                let observations = FakePolicy.request(1).observations
                let message = PolicyRequest(observations: observations).message(for: FakePolicy.metadata).encoded
                let answers = try (0..<2).map { _ in
                    client.send(2, message)
                    return try PolicyResponse(
                        MessagePackValue(decoding: #require(client.message()).payload), actionDimension: 2
                    ).actions
                }
                #expect(answers[0] != answers[1])
            }
        }
    }

    @Test func warnsOnceAConnection() async throws {
        let log = LogRecord()
        try await withServer(names: FeatureNames(["state": "observation/state"]), log: log) { server in
            let port = server.address.port
            try await onThread {
                for _ in 0..<2 {
                    let client = try RawClient(port: port)
                    client.upgrade()
                    _ = client.message()
                    let message = MessagePackValue.map([
                        .init(.string("observation/state"), .array([.integer(1), .integer(2), .integer(3)])),
                        .init(.string("prompt"), .string("push")), .init(.string("bell\u{7}\u{202E}\u{2028}"), .null),
                    ])
                    for _ in 0..<3 {
                        client.send(2, message.encoded)
                        #expect(client.message()?.opcode == 2)
                    }
                }
            }
        }
        #expect(log.messages.count(where: { $0.contains("\"observation/state\" came as one frame") }) == 2)
        #expect(log.messages.count(where: { $0.contains("\"bell\", \"prompt\", which is ignored") }) == 2)
        #expect(log.messages.count == 4)
    }

    @Test func showsHealthAndMetrics() async throws {
        try await withServer { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                #expect(try RawClient(port: port).get("/healthz").hasSuffix("\r\n\r\nOK\n"))
                // Some clients offer an upgrade to HTTP/2.
                let offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"]
                for path in ["/healthz", "/metrics"] {
                    #expect(try RawClient(port: port).get(path, offer).hasPrefix("HTTP/1.1 200"))
                }
                let client = try PolicyClient(ServerAddress(url))
                for number in 0..<5 { _ = try client.predictActionChunks(for: [FakePolicy.request(Float(number))]) }
                #expect(throws: PolicyClientError.self) {
                    try client.predictActionChunks(for: [FakePolicy.request(-1)])
                }
                // The server counts the last outcome after it has sent the response.
                var metrics = ""
                for _ in 0..<1000 where !metrics.contains("outcome=\"failed\"} 1\n") {
                    metrics = try RawClient(port: port).get("/metrics")
                }
                for line in [
                    "dpolicy_requests_total{outcome=\"answered\"} 5", "dpolicy_requests_total{outcome=\"failed\"} 1",
                    "dpolicy_request_seconds_count 5", "dpolicy_request_seconds_bucket{le=\"+Inf\"} 5",
                    "dpolicy_batch_size_bucket{le=\"1.0\"} 5", "dpolicy_connections 1", "dpolicy_queue_length 0",
                ] {
                    #expect(metrics.contains(line + "\n"), "\(line) is not in \(metrics)")
                }
                withExtendedLifetime(client) {}
            }
        }
    }
}
