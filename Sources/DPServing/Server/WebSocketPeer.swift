import Logging
import NIOCore

/// A client whose connection has become a websocket.
struct WebSocketPeer: Sendable {
    let channel: NIOAsyncChannel<WebSocketMessage, WebSocketOutput>
    let request: WebRequest
    let route: WebSocketRoute

    /// Runs the route's handler until it returns, the client disconnects, or the server shuts down, and closes the
    /// connection.
    func converse(_ registry: ConnectionRegistry, _ log: Logger) async {
        await withTaskGroup { group in
            group.addTask { await handle(registry, log) }
            // When the client has disconnected, nothing needs the result that the route is waiting for.
            group.addTask { try? await channel.channel.closeFuture.get() }
            await group.next()
            group.cancelAll()
        }
    }

    private func handle(_ registry: ConnectionRegistry, _ log: Logger) async {
        let isDraining = { registry.isDraining }
        try? await channel.executeThenClose { inbound, outbound in
            var goodbye = (code: WebSocketCloseCode.normal, reason: "")
            do {
                try await route.handle(
                    WebSocketConnection(
                        request, inbound: inbound, outbound: outbound, channel: channel.channel, registry: registry))
                if isDraining() { goodbye = (.goingAway, "the server is shutting down") }
            } catch {
                if channel.channel.isActive, !Task.isCancelled {
                    log.warning("\(request.peer): the connection is closed: \(error)")
                }
                goodbye = (.internalError, "\(error)")
            }
            try await outbound.write(.close(goodbye.code, goodbye.reason))
            try await channel.channel.closeFuture.get()
        }
    }
}
