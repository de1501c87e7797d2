import Foundation

/// A blocking client that can send any bytes, valid or invalid.
final class RawClient {
    struct Frame: Equatable, Sendable {
        var opcode: UInt8
        var payload: [UInt8]

        var text: String { String(decoding: payload, as: UTF8.self) }
        /// The code of a close frame.
        var code: Int? { opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
    }

    private let descriptor: Int32

    /// Connects to this machine.
    /// - Parameter receiveBuffer: the size of the system's receive buffer in bytes; the system's default if nil.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        // No test waits forever.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        let descriptor = descriptor
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard connected else { throw POSIXError(.ECONNREFUSED) }
    }

    deinit { close(descriptor) }

    /// Sends bytes; returns false when the connection is closed.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Receives a number of bytes; returns nil when the connection ends before.
    func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var received = 0
        while received < count {
            let part = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress! + received, count - received, 0)
            }
            guard part > 0 else { return nil }
            received += part
        }
        return bytes
    }

    /// Receives text until the connection ends.
    func receiveAll() -> String {
        var bytes: [UInt8] = []
        while let byte = receive(1) { bytes += byte }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Sends an HTTP request.
    /// - Returns: the whole response until the connection ends.
    func get(_ path: String, _ headers: [String] = []) -> String {
        let lines = ["GET \(path) HTTP/1.1", "Host: test"] + headers + ["", ""]
        send(Array(lines.joined(separator: "\r\n").utf8))
        return receiveAll()
    }

    /// Upgrades the connection to a websocket.
    /// - Returns: the head of the response.
    @discardableResult
    func upgrade(_ path: String = "/", host: String = "test", _ headers: [String] = []) -> String {
        let lines =
            [
                "GET \(path) HTTP/1.1", "Host: \(host)", "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ] + headers + ["", ""]
        send(Array(lines.joined(separator: "\r\n").utf8))
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8), let byte = receive(1) { head += byte }
        return String(decoding: head, as: UTF8.self)
    }

    /// Returns the bytes of a masked frame.
    static func frame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        let length = payload.count
        var bytes = [(isFinal ? 0x80 : 0) | opcode]
        switch length {
        case ..<126: bytes.append(0x80 | UInt8(length))
        case ..<65_536: bytes += [0xFE] + withUnsafeBytes(of: UInt16(length).bigEndian, Array.init)
        default: bytes += [0xFF] + withUnsafeBytes(of: UInt64(length).bigEndian, Array.init)
        }
        let mask: [UInt8] = [1, 2, 3, 4]
        return bytes + mask + payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
    }

    @discardableResult
    func send(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> Bool {
        send(Self.frame(opcode, payload, isFinal: isFinal))
    }

    /// Receives the next frame; returns nil when the connection ends.
    func frame() -> Frame? {
        guard let head = receive(2) else { return nil }
        var length = Int(head[1] & 0x7F)
        if length >= 126 {
            guard let more = receive(length == 126 ? 2 : 8) else { return nil }
            length = more.reduce(0) { $0 << 8 | Int($1) }
        }
        guard let payload = length == 0 ? [] : receive(length) else { return nil }
        return Frame(opcode: head[0] & 0x0F, payload: payload)
    }

    /// Receives the next message or close frame, and skips pings.
    func message() -> Frame? {
        while let frame = frame() { if frame.opcode != 9 { return frame } }
        return nil
    }
}
