import DPInterface
import DPServing
import Foundation
import TestSupport
import Testing

/// Misbehaving clients: the server sends them an error or closes their connection, and other clients are not
/// affected.
@Suite(.timeLimit(.minutes(5))) struct HostilityTests {
    @Test func closesConnectionsWithoutHandshake() async throws {
        try await withServer(limits: WebServerLimits(handshakes: 50)) { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                let silent = try (0..<100).map { _ in try RawClient(port: port) }
                let client = try PolicyClient(ServerAddress(url))
                let request = FakePolicy.request(1)
                #expect(try client.predictActionChunks(for: [request]) == [FakePolicy.chunk(for: request)])
                // The server closed the oldest ones.
                #expect(silent[0].receive(1) == nil)
                withExtendedLifetime(silent) {}
            }
        }
    }

    /// Clients that never send a request make room; the others stay connected.
    @Test func replacesClientsWithoutRequests() async throws {
        try await withServer(limits: WebServerLimits(connections: 100, handshakeTime: .seconds(2))) { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                let request = FakePolicy.request(1)
                let established = try PolicyClient(ServerAddress(url))
                #expect(try established.predictActionChunks(for: [request]).count == 1)
                let silent = try (0..<99).map { _ in
                    let client = try RawClient(port: port)
                    client.upgrade()
                    #expect(client.message()?.opcode == 2)
                    return client
                }
                var newcomers: [PolicyClient] = []
                try wait(until: {
                    if let client = try? PolicyClient(ServerAddress(url)) { newcomers.append(client) }
                    return newcomers.count == 2
                })
                for client in newcomers + [established] {
                    #expect(try client.predictActionChunks(for: [request]) == [FakePolicy.chunk(for: request)])
                }
                for client in silent[..<2] {
                    let goodbye = try #require(client.message())
                    #expect(goodbye.code == 1013 && goodbye.text.contains("another client needs it"))
                }
                withExtendedLifetime(silent) {}
            }
        }
    }

    @Test func closesIdleConnections() async throws {
        let limits = WebServerLimits(handshakeTime: .seconds(2), idleTime: .seconds(2))
        try await withServer(limits: limits) { server in
            let port = server.address.port
            try await onThread {
                #expect(try RawClient(port: port).receiveAll().isEmpty)
                let slow = try RawClient(port: port)
                slow.send(Array("GET / HT".utf8))
                #expect(slow.receiveAll().isEmpty)
                let mute = try RawClient(port: port)
                mute.upgrade()
                #expect(mute.message()?.opcode == 2)
                // This client never responds to a ping.
                #expect(mute.message() == nil)
            }
        }
    }

    @Test func closesConnectionsThatDoNotRead() async throws {
        let limits = WebServerLimits(writeTime: .milliseconds(300))
        let server = try await WebServer.start(
            WebServerConfiguration(address: ListeningAddress(port: 0), limits: limits), routes: [],
            sockets: [
                WebSocketRoute { connection in
                    while true { try await connection.send(.binary([UInt8](repeating: 1, count: 1 << 20))) }
                }
            ], log: LogRecord().logger)
        let port = server.address.port
        let client = try await onThread {
            let client = try RawClient(port: port)
            client.upgrade()
            return Unread(client: client)
        }
        // The connection was open, because the upgrade succeeded. The client does not read, so the server closes
        // it.
        #expect(await eventually { server.connectionCount == 0 })
        await server.shutDown()
        withExtendedLifetime(client) {}
    }

    @Test func limitsPongsToClientsThatDoNotRead() async throws {
        try await withServer(limits: WebServerLimits(writeTime: .seconds(300))) { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                let client = try RawClient(port: port, receiveBuffer: 1 << 16)
                client.upgrade()
                #expect(client.message()?.opcode == 2)
                // More pings than the pongs that the system buffers for a reader.
                let (bursts, size) = (80, 1000)
                let ping = RawClient.frame(9, [UInt8](repeating: 1, count: 125))
                let burst = Array(repeatElement(ping, count: size).joined())
                for _ in 0..<bursts { #expect(client.send(burst)) }
                client.send(9, [42])
                #expect(
                    try PolicyClient(ServerAddress(url)).predictActionChunks(for: [FakePolicy.request(1)]).count == 1)
                // The server responds to the latest ping.
                var count = 0
                while let frame = client.message(), frame.payload != [42] { count += 1 }
                #expect((1..<bursts * size).contains(count), "\(count) pongs")
                client.send(2, FakePolicy.message(FakePolicy.request(1)))
                #expect(client.message()?.opcode == 2)
            }
        }
    }

    private struct Unread: @unchecked Sendable { let client: RawClient }

    @Test func oversizeMessagesEndTheirConnection() async throws {
        try await withServer(limits: WebServerLimits(messageBytes: 4096)) { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                let other = try PolicyClient(ServerAddress(url))
                let whole = try RawClient(port: port)
                whole.upgrade()
                _ = whole.message()
                whole.send(2, [UInt8](repeating: 0, count: 5000))
                #expect(whole.message()?.code == 1009)
                let pieces = try RawClient(port: port)
                pieces.upgrade()
                _ = pieces.message()
                for opcode: UInt8 in [2, 0, 0] {
                    pieces.send(opcode, [UInt8](repeating: 0, count: 2000), isFinal: false)
                }
                #expect(pieces.message()?.code == 1009)
                let declared = try RawClient(port: port)
                declared.upgrade()
                _ = declared.message()
                declared.send([0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4])
                #expect(declared.message()?.code == 1009)
                #expect(try other.predictActionChunks(for: [FakePolicy.request(1)]).count == 1)
            }
        }
    }

    @Test(arguments: Garbage.allCases)
    func garbageIsAnsweredOrClosed(_ garbage: Garbage) async throws {
        try await withServer(limits: WebServerLimits(handshakeTime: .seconds(2))) { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                let client = try RawClient(port: port)
                client.send(garbage.bytes)
                let answer = client.receiveAll()
                #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(100))")
                #expect(
                    try PolicyClient(ServerAddress(url)).predictActionChunks(for: [FakePolicy.request(1)]).count == 1)
            }
        }
    }

    @Test(arguments: BrokenFrame.allCases)
    func brokenFramesEndTheirConnection(_ frame: BrokenFrame) async throws {
        try await withServer { server in
            let port = server.address.port
            try await onThread {
                let client = try RawClient(port: port)
                client.upgrade()
                _ = client.message()
                client.send(frame.bytes)
                let code = client.message()?.code
                #expect([1002, 1007, 1009].contains(code), "\(String(describing: code))")
                client.send(8, [0x03, 0xEA])
                #expect(client.message() == nil)
            }
        }
    }

    @Test func enforcesTheConnectionLimit() async throws {
        try await withServer(limits: WebServerLimits(connections: 1, handshakeTime: .seconds(600))) { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                let first = try RawClient(port: port)
                first.upgrade()
                #expect(first.message()?.opcode == 2)
                let text = message { _ = try PolicyClient(ServerAddress(url)) }
                #expect(text.contains("503") && text.contains("connection limit"), "\(text)")
                #expect(try RawClient(port: port).get("/healthz").hasSuffix("OK\n"))
                first.send(8, [0x03, 0xE8])
                #expect(first.message()?.code == 1000)
                #expect(first.frame() == nil)
            }
            // The connection is available again.
            try await onThread { try wait(until: { (try? PolicyClient(ServerAddress(url))) != nil }) }
        }
    }
}

/// Bytes that are not a websocket request.
enum Garbage: CaseIterable {
    case highBytes, emptyLines, noTarget, longBody, endlessHeader, handshakeWithoutKey, otherProtocol

    var bytes: [UInt8] {
        switch self {
        case .highBytes: [UInt8](repeating: 0xFF, count: 300)
        case .emptyLines: Array("\r\n\r\n\r\n".utf8)
        case .noTarget: Array("GET\r\n\r\n".utf8)
        case .longBody:
            Array("POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n".utf8)
                + [UInt8](repeating: 65, count: 200_000)
        case .endlessHeader: Array("GET / HTTP/1.1\r\n".utf8) + [UInt8](repeating: 65, count: 3_000_000)
        case .handshakeWithoutKey:
            Array("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".utf8)
        case .otherProtocol: Array("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n".utf8)
        }
    }
}

/// A frame that RFC 6455 forbids.
enum BrokenFrame: CaseIterable {
    case randomBytes, unknownKind, reservedBit, continuationWithoutStart, fragmentedPing, invalidText, unmasked
    case unmaskedPing

    var bytes: [UInt8] {
        switch self {
        case .randomBytes: [UInt8](repeating: 0xFF, count: 64)
        case .unknownKind: [0x83, 0x80, 1, 2, 3, 4]
        case .reservedBit: [0xC2, 0x80, 1, 2, 3, 4]
        case .continuationWithoutStart: [0x80, 0x80, 1, 2, 3, 4]
        case .fragmentedPing: [0x09, 0x80, 1, 2, 3, 4]
        case .invalidText: [0x81, 0x81, 0, 0, 0, 0, 0xFF]
        case .unmasked: [0x82, 0x01, 0x80]
        case .unmaskedPing: [0x89, 0x00]
        }
    }
}
