import DPBase
import DPInterface
import Foundation
import TestSupport
import Testing

@testable import DPServing

/// The limits of a server, and the messages about them.
@Suite(.timeLimit(.minutes(5))) struct LimitTests {
    @Test func limitsFitTheSystemLimits() throws {
        let limits = WebServerLimits(connections: 256, handshakes: 256)
        #expect(try limits.fitting(256 + 256 + WebServerLimits.reserve) == limits)
        for room in [4, 20, 48, 100, 300, 511] {
            let fitting = try limits.fitting(room + WebServerLimits.reserve)
            #expect(fitting.connections + fitting.handshakes == room)
            #expect(fitting.connections >= 1 && fitting.handshakes >= room / 4)
            #expect(fitting.messageBytes == limits.messageBytes)
        }
        // A server for few clients keeps its limit of connections.
        let few = try WebServerLimits(connections: 2, handshakes: 256).fitting(40 + WebServerLimits.reserve)
        #expect(few.connections == 2 && few.handshakes == 38)
        let error = #expect(throws: InputError.self) { try limits.fitting(WebServerLimits.reserve + 3) }
        #expect("\(error!)".contains("open files (ulimit -n)"))
    }

    @Test func settingsAreWrittenInSnakeCase() throws {
        let keys = try jsonKeys(in: JSONEncoder().encode(WebServerLimits()))
            .union(jsonKeys(in: JSONEncoder().encode(BatchingConfiguration())))
        #expect(keys.isSuperset(of: ["message_bytes", "max_batch_size"]))
        #expect(keys.filter { $0.contains(where: \.isUppercase) } == [])
    }

    @Test func descriptorsAreCounted() throws {
        let before = FileDescriptors.available(atMost: 100_000)
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/dev/null"))
        #expect(FileDescriptors.available(atMost: 5) == 5)
        // Other tests open and close descriptors at the same time.
        #expect(before > 0 && before < FileDescriptors.limit)
        let limit = FileDescriptors.limit
        FileDescriptors.raiseLimit(to: 1)
        #expect(FileDescriptors.limit == limit)
        withExtendedLifetime(file) {}
    }

    @Test func refusedConnectionsAreLoggedOnceAtATime() async throws {
        let log = LogRecord()
        let limits = WebServerLimits(connections: 1, handshakeTime: .seconds(600))
        let refusals: @Sendable () -> Int = { log.messages.count { $0.contains("refused with 503") } }
        try await withServer(limits: limits, log: log) { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                let first = try RawClient(port: port)
                first.upgrade()
                #expect(first.message()?.opcode == 2)
                for _ in 0..<3 { #expect(throws: PolicyClientError.self) { try PolicyClient(ServerAddress(url)) } }
                #expect(refusals() == 1)
                first.send(8, [0x03, 0xE8])
                #expect(first.message()?.code == 1000)
                // Another client takes the free connection, after which the server refuses others again.
                var second: PolicyClient?
                try wait(until: {
                    second = try? PolicyClient(ServerAddress(url))
                    return second != nil
                })
                let before = refusals()
                for _ in 0..<3 { #expect(throws: PolicyClientError.self) { try PolicyClient(ServerAddress(url)) } }
                #expect(refusals() == before + 1)
                withExtendedLifetime(second) {}
            }
        }
    }

    @Test func aCloseForSizeNamesTheLimit() async throws {
        try await withServer(limits: WebServerLimits(messageBytes: 4096)) { server in
            let port = server.address.port
            try await onThread {
                for pieces in [false, true] {
                    let client = try RawClient(port: port)
                    client.upgrade()
                    let metadata = try MessagePackValue(decoding: #require(client.message()).payload)
                    #expect(metadata["message_bytes"]?.wholeNumber == 4096)
                    if pieces {
                        for opcode: UInt8 in [2, 0, 0] {
                            client.send(opcode, [UInt8](repeating: 0, count: 2000), isFinal: false)
                        }
                    } else {
                        client.send(2, [UInt8](repeating: 0, count: 5000))
                    }
                    let goodbye = try #require(client.message())
                    #expect(goodbye.code == 1009)
                    #expect(goodbye.text.contains("4096 bytes") && goodbye.text.contains("--message-bytes"))
                }
            }
        }
    }

    @Test func aServerWithoutRoomForItsRequestsDoesNotStart() async throws {
        let picture = PolicyMetadata(
            name: "seeing",
            observations: ObservationSchema(
                [FeatureSelection("state", size: 3)],
                images: [ImageSelection("top", size: ImageSize(height: 480, width: 640))]),
            actionDimension: 2, horizon: Horizon(observation: 2, prediction: 4, action: 2))
        let pixels = 2 * 480 * 640 * 3
        #expect(picture.requestBytes > pixels && picture.requestBytes < pixels + 4096)
        let web = WebServerConfiguration(
            address: ListeningAddress(port: 0), limits: WebServerLimits(messageBytes: pixels))
        await #expect {
            _ = try await PolicyServer.start(FakePolicy(), metadata: picture, web: web, log: LogRecord().logger)
        } throws: {
            "\($0)".contains("at least \(picture.requestBytes) (--message-bytes)")
        }
    }

    /// No request is longer than `requestBytes`.
    @Test func requestsFitTheDeclaredSize() {
        let request = PolicyRequest(
            observations: (0..<2).map { _ in RobotObservation(vectors: ["state": [1, 2, 3]]) }, seed: .max,
            noise: [Float](repeating: 0.1, count: 8),
            start: WarmStart(actions: [[Float]](repeating: [1, 2], count: 4), strength: 0.5), wantsPrediction: true)
        let long = FeatureNames(["state": String(repeating: "n", count: 256)])
        let bytes = request.message(for: FakePolicy.metadata, names: long).encoded.count
        #expect(bytes <= FakePolicy.metadata.requestBytes)
        // The same for lists of numbers in their longest form.
        let lists = MessagePackValue.map([
            .init(.string(String(repeating: "n", count: 256)), .array((0..<6).map { .float64(Double($0) + 0.1) })),
            .init(.string("noise"), .array((0..<8).map { .float64(Double($0) + 0.1) })),
            .init(.string("start"), .array((0..<8).map { .float64(Double($0) + 0.1) })),
        ])
        #expect(lists.encoded.count <= FakePolicy.metadata.requestBytes)
    }
}
