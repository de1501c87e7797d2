import NIOCore

/// A websocket with one client.
package struct WebSocketConnection: Sendable {
    /// The HTTP request with which the client connected.
    package let request: WebRequest
    /// The client's messages in order, to be read in one loop; the next one is received only after the previous one
    /// was read.
    package let messages: Messages
    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketOutput>

    init(
        _ request: WebRequest, inbound: NIOAsyncChannelInboundStream<WebSocketMessage>,
        outbound: NIOAsyncChannelOutboundWriter<WebSocketOutput>, channel: any Channel, registry: ConnectionRegistry
    ) {
        self.request = request
        messages = Messages(inbound: inbound, channel: channel, registry: registry)
        self.outbound = outbound
    }

    /// Sends a message, and waits while the client is slow to accept previous ones.
    /// - Throws: an error when the connection is closed.
    package func send(_ message: WebSocketMessage) async throws { try await outbound.write(.message(message)) }

    /// The messages of a client; the sequence ends when the client closes the connection or the server shuts down.
    package struct Messages: AsyncSequence, Sendable {
        fileprivate let inbound: NIOAsyncChannelInboundStream<WebSocketMessage>
        fileprivate let channel: any Channel
        /// Records that the peer has sent a message.
        fileprivate let registry: ConnectionRegistry

        /// Starts reading; may be called only once.
        package func makeAsyncIterator() -> Iterator {
            Iterator(inbound: inbound.makeAsyncIterator(), channel: channel, registry: registry)
        }

        /// An iterator over messages.
        package struct Iterator: AsyncIteratorProtocol {
            fileprivate var inbound: NIOAsyncChannelInboundStream<WebSocketMessage>.AsyncIterator
            fileprivate let channel: any Channel
            fileprivate let registry: ConnectionRegistry

            /// Returns the next message; nil at the end.
            package mutating func next() async throws -> WebSocketMessage? {
                let message = try await inbound.next()
                if message != nil { registry.noteMessage(channel) }
                return message
            }
        }
    }
}
