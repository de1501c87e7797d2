import NIOCore
import Synchronization

/// The connections of a server: those that have not said yet what they want, and the websockets.
final class ConnectionRegistry: Sendable {
    private struct State {
        /// The oldest first.
        var handshakes: [any Channel] = []
        var sockets: [any Channel] = []
        var isDraining = false
    }

    private let limits: WebServerLimits
    private let state = Mutex(State())

    init(limits: WebServerLimits) { self.limits = limits }

    /// How many websockets there are.
    var socketCount: Int { state.withLock { $0.sockets.count } }

    /// Whether there is room for another websocket.
    var hasRoom: Bool { state.withLock { !$0.isDraining && $0.sockets.count < limits.connections } }

    /// Whether the server shuts down.
    var isDraining: Bool { state.withLock { $0.isDraining } }

    /// Notes a new connection, which has to say soon what it wants; when too many others do not either, the oldest of them goes.
    func begin(_ channel: any Channel) {
        let dismissed: (any Channel)? = state.withLock { state in
            if state.isDraining { return channel }
            state.handshakes.append(channel)
            return state.handshakes.count > limits.handshakes ? state.handshakes.removeFirst() : nil
        }
        dismissed?.close(promise: nil)
        let deadline = channel.eventLoop.scheduleTask(in: TimeAmount(limits.handshakeTime)) { [self] in
            if isHandshake(channel) { channel.close(promise: nil) }
        }
        channel.closeFuture.whenComplete { [self] _ in
            deadline.cancel()
            remove(channel)
        }
    }

    /// Notes that a connection has become a websocket; false if the server shuts down.
    func promote(_ channel: any Channel) -> Bool {
        state.withLock { state in
            state.handshakes.removeAll { $0 === channel }
            if state.isDraining || !channel.isActive { return false }
            state.sockets.append(channel)
            return true
        }
    }

    /// Takes no new connections, and tells the websockets that no more of their messages will be taken.
    func drain() {
        let (handshakes, sockets) = state.withLock { state in
            state.isDraining = true
            return (state.handshakes, state.sockets)
        }
        for channel in handshakes { channel.close(promise: nil) }
        for channel in sockets { channel.pipeline.fireUserInboundEventTriggered(WebSocketMessageHandler.Drain()) }
    }

    /// Closes every connection at once.
    func closeAll() {
        for channel in state.withLock({ $0.handshakes + $0.sockets }) { channel.close(promise: nil) }
    }

    private func isHandshake(_ channel: any Channel) -> Bool {
        state.withLock { $0.handshakes.contains { $0 === channel } }
    }

    private func remove(_ channel: any Channel) {
        state.withLock { state in
            state.handshakes.removeAll { $0 === channel }
            state.sockets.removeAll { $0 === channel }
        }
    }
}
