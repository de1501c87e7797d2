import Foundation
import Synchronization

/// A local web server for one file, with configurable faults.
final class LocalServer: Sendable {
    /// The configuration of the server.
    struct Behavior: Sendable {
        var file: Data
        /// Whether it responds to a range request with that range.
        var servesRanges = true
        /// The edition, for `If-Range`; nil to send no `ETag`.
        var tag: String? = "\"first\""
        /// The number of body bytes after which each response breaks off, in order; later responses are complete.
        var breaksAfter: [Int] = []
        /// The status to respond with instead of the file.
        var status: Int?
        /// Whether it sends the length of the body.
        var tellsLength = true
        /// An offset added to the start of a range.
        var rangeError = 0
    }

    /// The values of `Range` in the requests, empty for the whole file.
    var ranges: [String] { state.withLock { $0.ranges } }
    let url: URL

    private struct State {
        var behavior: Behavior
        var ranges: [String] = []
    }

    private let state: Mutex<State>
    private let listener: Int32

    init(_ behavior: Behavior) throws {
        state = Mutex(State(behavior: behavior))
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard bound, let url = URL(string: "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/data.zip") else {
            throw POSIXError(.EADDRNOTAVAIL)
        }
        self.url = url
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                answer(connection)
                close(connection)
            }
        }
    }

    /// Changes the behavior for later requests.
    func change(_ body: (inout Behavior) -> Void) { state.withLock { body(&$0.behavior) } }

    /// Stops the server.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func answer(_ connection: Int32) {
        var request = Data()
        var buffer = [UInt8](repeating: 0, count: 4096)
        while request.range(of: Data("\r\n\r\n".utf8)) == nil {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            request.append(contentsOf: buffer[..<count])
        }
        var headers: [String: String] = [:]
        for line in String(decoding: request, as: UTF8.self).components(separatedBy: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
        }
        let (answer, limit) = state.withLock { state in
            state.ranges.append(headers["range"] ?? "")
            let limit = state.behavior.breaksAfter.isEmpty ? Int.max : state.behavior.breaksAfter.removeFirst()
            return (Self.answer(headers, state.behavior), limit)
        }
        let body = answer.body.prefix(limit)
        let bytes = Array(Data(answer.head.utf8) + body)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(connection, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    private static func answer(_ headers: [String: String], _ behavior: Behavior) -> (head: String, body: Data) {
        let size = behavior.file.count
        var lines = ["Connection: close"]
        if let tag = behavior.tag { lines.append("ETag: \(tag)") }
        var status = behavior.status ?? 200
        var body = status == 200 ? behavior.file : Data()
        let isSame = headers["if-range"] == nil || headers["if-range"] == behavior.tag
        if status == 200, behavior.servesRanges, isSame, let range = headers["range"],
            let start = Int(range.dropFirst("bytes=".count).dropLast())
        {
            if start < size {
                status = 206
                let first = start + behavior.rangeError
                body = Data(behavior.file[first...])
                lines.append("Content-Range: bytes \(first)-\(size - 1)/\(size)")
            } else {
                status = 416
                body = Data()
                lines.append("Content-Range: bytes */\(size)")
            }
        }
        if behavior.tellsLength { lines.append("Content-Length: \(body.count)") }
        return ("HTTP/1.1 \(status) X\r\n" + lines.joined(separator: "\r\n") + "\r\n\r\n", body)
    }
}
