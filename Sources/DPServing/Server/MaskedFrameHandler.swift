import NIOCore
import NIOWebSocket

/// A handler that passes only masked frames.
///
/// Frames from a client must be masked (RFC 6455, section 5.1), so that no web page can send bytes that a proxy
/// misinterprets.
final class MaskedFrameHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    /// The error for an unmasked frame from a client.
    struct UnmaskedFrame: Error {}

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard Self.unwrapInboundIn(data).maskKey != nil else { return context.fireErrorCaught(UnmaskedFrame()) }
        context.fireChannelRead(data)
    }
}
