import Foundation
import Synchronization

/// A relay between clients and a server on this machine.
///
/// A test can cut its connections, or make it dead: no data comes through, and neither side gets an error.
final class Relay: Sendable {
    /// The port for clients.
    let port: Int

    private struct State {
        var isDead = false
        var isClosed = false
        var sockets: [Int32] = []
        var answered = 0
    }

    private let listener: Int32
    private let server: Int
    private let state = Mutex(State())

    /// Creates a relay to a port of this machine.
    init(to server: Int) throws {
        self.server = server
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isListening else { throw POSIXError(.EADDRINUSE) }
        port = Int(in_port_t(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// The number of bytes from the server that were passed to clients.
    var answered: Int { state.withLock { $0.answered } }

    /// Closes every connection; new ones are accepted.
    func cut() {
        let sockets = state.withLock { state in
            defer { state.sockets = [] }
            return state.sockets
        }
        for descriptor in sockets { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    /// Stops passing data in either direction.
    func die() { state.withLock { $0.isDead = true } }

    /// Closes the relay and all connections.
    func close() {
        state.withLock { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
        cut()
    }

    private static func address(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else {
                Foundation.close(listener)
                return
            }
            let other = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.address(port: server)
            let isConnected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(other, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard isConnected else {
                Foundation.close(client)
                Foundation.close(other)
                continue
            }
            state.withLock { $0.sockets += [client, other] }
            let ends = Ends(client: client, server: other)
            Thread.detachNewThread { [self] in pump(client, other, ends, isAnswer: false) }
            Thread.detachNewThread { [self] in pump(other, client, ends, isAnswer: true) }
        }
    }

    /// Two sockets, closed when both threads have ended.
    private final class Ends: Sendable {
        let sockets: [Int32]
        init(client: Int32, server: Int32) { sockets = [client, server] }
        deinit { for descriptor in sockets { Foundation.close(descriptor) } }
    }

    private func pump(_ source: Int32, _ target: Int32, _ ends: Ends, isAnswer: Bool) {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(source, &bytes, bytes.count, 0)
            while state.withLock({ $0.isDead && !$0.isClosed }) { usleep(10_000) }
            guard count > 0, send(target, bytes, count, Int32(MSG_NOSIGNAL)) == count else { break }
            if isAnswer { state.withLock { $0.answered += count } }
        }
        shutdown(target, Int32(SHUT_RDWR))
        withExtendedLifetime(ends) {}
    }
}
