import NIOCore
import NIOHTTP1
import NIOWebSocket

extension Channel {
    /// Sets up a new connection: encryption, HTTP, routes, and the upgrade to a websocket.
    /// - Parameter arrivals: receives the client after an upgrade to a websocket.
    func expectRequest(_ admission: Admission, arrivals: AsyncStream<WebSocketPeer>.Continuation) throws {
        if let security = admission.configuration.security {
            try pipeline.syncOperations.addHandler(security.handler())
        }
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: admission.configuration.limits.messageBytes, automaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                var headers: HTTPHeaders?
                if case .socket = admission.decide(WebRequest(head, of: channel)) { headers = [:] }
                return channel.eventLoop.makeSucceededFuture(headers)
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture { try channel.becomeWebSocket(head, admission, arrivals) }
            })
        try pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }),
            withEncoderConfiguration: .init(), withDecoderLimitConfiguration: .smallRequests)
        try pipeline.syncOperations.addHandler(
            WebRouteHandler { head, channel in
                switch admission.decide(WebRequest(head, of: channel)) {
                case .answer(let answer): answer
                case .socket: WebResponse(status: 400, text: "expected a websocket handshake of version 13\n")
                }
            })
    }

    private func becomeWebSocket(
        _ head: HTTPRequestHead, _ admission: Admission, _ arrivals: AsyncStream<WebSocketPeer>.Continuation
    ) throws {
        let request = WebRequest(head, of: self)
        guard case .socket(let route) = admission.decide(request), admission.registry.promote(self) else {
            return close(promise: nil)
        }
        let limits = admission.configuration.limits
        let operations = pipeline.syncOperations
        operations.removeHandler(try operations.handler(type: WebRouteHandler.self), promise: nil)
        try operations.addHandlers([
            MaskedFrameHandler(),
            NIOWebSocketFrameAggregator(
                minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024, maxAccumulatedFrameSize: limits.messageBytes
            ),
            WebSocketMessageHandler(limits: limits),
        ])
        // Reads one message at a time; the others wait in the network.
        let channel = try NIOAsyncChannel<WebSocketMessage, WebSocketOutput>(
            wrappingChannelSynchronously: self,
            configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 1)))
        if case .terminated = arrivals.yield(WebSocketPeer(channel: channel, request: request, route: route)) {
            Task { try? await channel.executeThenClose { _, _ in } }
        }
    }
}

extension NIOHTTPDecoderLimitConfiguration {
    /// Limits that fit a request for a websocket or a page.
    fileprivate static var smallRequests: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 1 << 14
        limits.maxHeaderListSize = 1 << 16
        limits.maxHeaderFieldCount = 64
        return limits
    }
}

extension WebRequest {
    /// A request and the address of its sender.
    fileprivate init(_ head: HTTPRequestHead, of channel: any Channel) {
        let address = channel.remoteAddress
        self.init(head, peer: address.map { "\($0.ipAddress ?? "?"):\($0.port ?? 0)" } ?? "a disconnected client")
    }
}
