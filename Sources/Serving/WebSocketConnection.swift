import NIOCore

/// A websocket with one client.
public struct WebSocketConnection: Sendable {
    /// What the client asked for when it connected.
    public let request: WebRequest
    /// What the client sends, one after another, to be read in one loop; nothing more is received before the last one is taken.
    public let messages: Messages
    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketOutput>

    init(
        _ request: WebRequest, inbound: NIOAsyncChannelInboundStream<WebSocketMessage>,
        outbound: NIOAsyncChannelOutboundWriter<WebSocketOutput>, channel: any Channel, registry: ConnectionRegistry
    ) {
        self.request = request
        messages = Messages(inbound: inbound, channel: channel, registry: registry)
        self.outbound = outbound
    }

    /// Sends a message, and waits while the client is slow to accept what was sent before.
    /// - Throws: when the connection is closed.
    public func send(_ message: WebSocketMessage) async throws { try await outbound.write(.message(message)) }

    /// The messages of a client, which end when it closes the connection or the server shuts down.
    public struct Messages: AsyncSequence, Sendable {
        fileprivate let inbound: NIOAsyncChannelInboundStream<WebSocketMessage>
        fileprivate let channel: any Channel
        /// Is told that the peer has asked something.
        fileprivate let registry: ConnectionRegistry

        /// Begins to read; only once.
        public func makeAsyncIterator() -> Iterator {
            Iterator(inbound: inbound.makeAsyncIterator(), channel: channel, registry: registry)
        }

        /// Reads messages.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate var inbound: NIOAsyncChannelInboundStream<WebSocketMessage>.AsyncIterator
            fileprivate let channel: any Channel
            fileprivate let registry: ConnectionRegistry

            /// The next message; nil when there will be none.
            public mutating func next() async throws -> WebSocketMessage? {
                let message = try await inbound.next()
                if message != nil { registry.hears(channel) }
                return message
            }
        }
    }
}
