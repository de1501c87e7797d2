import Logging
import NIOCore
import Synchronization

/// The connections of a server: handshakes, which have not completed their HTTP request, and websockets.
final class ConnectionRegistry: Sendable {
    /// A connection that has become a websocket.
    private struct Socket {
        let channel: any Channel
        /// Whether the peer has sent a message.
        var hasSentMessage = false
        let start = NIODeadline.now()
        /// Whether the server is closing it to make room.
        var isLeaving = false
    }

    private struct State {
        /// Ordered from oldest to newest.
        var handshakes: [any Channel] = []
        var sockets: [ObjectIdentifier: Socket] = [:]
        var isDraining = false
        /// Whether a refusal has been logged since there was last room.
        var hasToldOfRefusal = false

        /// The number of websockets that count toward the limit.
        var placeCount: Int { sockets.values.count(where: { !$0.isLeaving }) }

        /// Returns the oldest websocket that is older than a time and whose peer has not sent a message; nil if
        /// there is none.
        func mostSilent(for time: TimeAmount) -> Socket? {
            let latest = NIODeadline.now() - time
            return sockets.values.filter { !$0.hasSentMessage && !$0.isLeaving && $0.start < latest }
                .min { $0.start < $1.start }
        }
    }

    private let limits: WebServerLimits
    private let state = Mutex(State())
    private let log: Logger

    init(limits: WebServerLimits, log: Logger) {
        self.limits = limits
        self.log = log
    }

    /// The number of websockets.
    var socketCount: Int { state.withLock { $0.sockets.count } }

    /// Whether another websocket is below the limit or can replace a silent one.
    var hasRoom: Bool {
        state.withLock { state in
            if state.isDraining { return false }
            return state.placeCount < limits.connections || state.mostSilent(for: longestSilence) != nil
        }
    }

    /// Records that a connection is refused because there are too many.
    ///
    /// Only the first refusal is logged, until there is room again.
    func refuse(_ peer: String) {
        let isFirst = state.withLock { state in
            defer { state.hasToldOfRefusal = true }
            return !state.hasToldOfRefusal && !state.isDraining
        }
        guard isFirst else { return }
        log.warning(
            "\(peer): refused with 503 at the connection limit of \(limits.connections); further refusals are not logged until one ends"
        )
    }

    /// Whether the server is shutting down.
    var isDraining: Bool { state.withLock { $0.isDraining } }

    /// The time after which a websocket whose peer has not sent a message can be closed to make room.
    private var longestSilence: TimeAmount { TimeAmount(limits.handshakeTime) }

    /// Adds a new connection, which must complete its HTTP request in time.
    ///
    /// When there are too many such connections, the oldest is closed.
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

    /// Records that a connection has become a websocket.
    ///
    /// At the limit, the oldest silent websocket is closed to make room.
    /// - Returns: false if the server is shutting down or there is no room.
    func promote(_ channel: any Channel) -> Bool {
        var dismissed: (any Channel)?
        let isAdmitted = state.withLock { state in
            state.handshakes.removeAll { $0 === channel }
            if state.isDraining || !channel.isActive { return false }
            if state.placeCount >= limits.connections {
                guard let silent = state.mostSilent(for: longestSilence)?.channel else { return false }
                state.sockets[ObjectIdentifier(silent)]?.isLeaving = true
                dismissed = silent
            }
            state.sockets[ObjectIdentifier(channel)] = Socket(channel: channel)
            return true
        }
        dismissed?.pipeline.fireUserInboundEventTriggered(WebSocketMessageHandler.Order.makeRoom)
        return isAdmitted
    }

    /// Records that a websocket's peer has sent a message.
    func noteMessage(_ channel: any Channel) {
        state.withLock { $0.sockets[ObjectIdentifier(channel)]?.hasSentMessage = true }
    }

    /// Stops accepting connections and messages.
    func drain() {
        let (handshakes, sockets) = state.withLock { state in
            state.isDraining = true
            return (state.handshakes, state.sockets.values.map(\.channel))
        }
        for channel in handshakes { channel.close(promise: nil) }
        for channel in sockets { channel.pipeline.fireUserInboundEventTriggered(WebSocketMessageHandler.Order.drain) }
    }

    /// Closes every connection immediately.
    func closeAll() {
        for channel in state.withLock({ $0.handshakes + $0.sockets.values.map(\.channel) }) {
            channel.close(promise: nil)
        }
    }

    private func isHandshake(_ channel: any Channel) -> Bool {
        state.withLock { $0.handshakes.contains { $0 === channel } }
    }

    private func remove(_ channel: any Channel) {
        state.withLock { state in
            state.handshakes.removeAll { $0 === channel }
            if state.sockets.removeValue(forKey: ObjectIdentifier(channel)) != nil { state.hasToldOfRefusal = false }
        }
    }
}
