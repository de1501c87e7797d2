import Logging
import NIOCore
import Synchronization

/// The connections of a server: those that have not said yet what they want, and the websockets.
final class ConnectionRegistry: Sendable {
    /// A connection that has become a websocket.
    private struct Socket {
        let channel: any Channel
        /// Whether its peer has ever sent a message.
        var hasAsked = false
        let start = NIODeadline.now()
        /// Whether it was told to make room.
        var isLeaving = false
    }

    private struct State {
        /// The oldest first.
        var handshakes: [any Channel] = []
        var sockets: [ObjectIdentifier: Socket] = [:]
        var isDraining = false
        /// Whether the log says already that connections are refused.
        var hasToldOfRefusal = false

        /// How many websockets have a place.
        var placeCount: Int { sockets.values.count(where: { !$0.isLeaving }) }

        /// The oldest websocket whose peer has not asked anything for so long; nil if there is none.
        func mostSilent(for time: TimeAmount) -> Socket? {
            let latest = NIODeadline.now() - time
            return sockets.values.filter { !$0.hasAsked && !$0.isLeaving && $0.start < latest }
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

    /// How many websockets there are.
    var socketCount: Int { state.withLock { $0.sockets.count } }

    /// Whether there is room for another websocket, or one whose peer has long asked nothing would make it.
    var hasRoom: Bool {
        state.withLock { state in
            if state.isDraining { return false }
            return state.placeCount < limits.connections || state.mostSilent(for: longestSilence) != nil
        }
    }

    /// Notes that a connection is refused because there are too many; the log says so once until there is room again.
    func refuse(_ peer: String) {
        let isFirst = state.withLock { state in
            defer { state.hasToldOfRefusal = true }
            return !state.hasToldOfRefusal && !state.isDraining
        }
        guard isFirst else { return }
        log.warning(
            "\(peer): refused with 503, since there are \(limits.connections) connections, as many as there may be; so are others until one ends"
        )
    }

    /// Whether the server shuts down.
    var isDraining: Bool { state.withLock { $0.isDraining } }

    /// How long a peer may ask nothing until its place can be given to another one.
    private var longestSilence: TimeAmount { TimeAmount(limits.handshakeTime) }

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

    /// Notes that a connection has become a websocket; when there are too many, the oldest whose peer never asked anything makes room.
    /// - Returns: false if the server shuts down or nobody makes room.
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

    /// Notes that a websocket's peer has sent a message.
    func hears(_ channel: any Channel) {
        state.withLock { $0.sockets[ObjectIdentifier(channel)]?.hasAsked = true }
    }

    /// Takes no new connections, and tells the websockets that no more of their messages will be taken.
    func drain() {
        let (handshakes, sockets) = state.withLock { state in
            state.isDraining = true
            return (state.handshakes, state.sockets.values.map(\.channel))
        }
        for channel in handshakes { channel.close(promise: nil) }
        for channel in sockets { channel.pipeline.fireUserInboundEventTriggered(WebSocketMessageHandler.Order.drain) }
    }

    /// Closes every connection at once.
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
