import DPDatasets
import Foundation
import Logging
import TestSupport
import Testing

@testable import DPPlay

/// Tests of the page on the loopback interface.
@Suite(.timeLimit(.minutes(5))) struct PageServerTests {
    @Test func onlyItsOwnPageMayConnect() async throws {
        let scene = LiveScene(playing: StraightPolicy().played(), seed: 5)
        let server = try await PageServer.start(scene, port: 0, log: Logger(label: "test"))
        let port = try #require(URL(string: server.address)?.port)
        let own = "127.0.0.1:\(port)"
        let cases = [
            (own, "http://\(own)", 101), ("localhost:\(port)", "http://localhost:\(port)", 101),
            (own, "http://example.org", 403), (own, "http://127.0.0.1:\(port + 1)", 403), (own, "null", 403),
            // A foreign name that resolves to this machine.
            ("example.org:\(port)", "http://example.org:\(port)", 403),
        ]
        for (host, origin, status) in cases {
            let head = try await Self.head(
                from: port,
                [
                    "GET /socket HTTP/1.1", "Host: \(host)", "Origin: \(origin)", "Upgrade: websocket",
                    "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                ])
            #expect(head.hasPrefix("HTTP/1.1 \(status) "), "\(origin) at \(host): \(head)")
        }
        await server.shutDown()
    }

    @Test func noOtherPageMayFrameIt() async throws {
        let folder = try TemporaryFolder()
        let dataset = LiveScene.demonstrations(at: folder("set.zarr"))
        let scene = LiveScene(recordingTo: dataset, saved: try dataset.open(), seed: 3)
        let server = try await PageServer.start(scene, port: 0, log: Logger(label: "test"))
        let port = try #require(URL(string: server.address)?.port)
        for path in PageFile.all.keys {
            let head = try await Self.head(from: port, ["GET \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)"])
            #expect(head.hasPrefix("HTTP/1.1 200 "), "\(path): \(head)")
            #expect(head.lowercased().contains("content-security-policy: frame-ancestors 'none'"), "\(path): \(head)")
        }
        await server.shutDown()
    }

    /// Sends a request and reads the head of the response on a separate thread, because the server uses the threads
    /// of Swift's tasks.
    private static func head(from port: Int, _ lines: [String]) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try readHead(from: port, lines) }) }
        }
    }

    private static func readHead(from port: Int, _ lines: [String]) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        // Prevents the test from hanging.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw POSIXError(.ECONNREFUSED) }
        let request = Array((lines + ["", ""]).joined(separator: "\r\n").utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw POSIXError(.EPIPE)
        }
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8), recv(descriptor, &byte, 1, 0) == 1 { head.append(byte) }
        return String(decoding: head, as: UTF8.self)
    }
}
