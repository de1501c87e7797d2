import NIOCore
import NIOWebSocket

/// Lets frames pass that are masked, as a client's must be (RFC 6455, section 5.1), so that no page can make a proxy on the way take them for something else.
final class MaskedFrameHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    /// A client's frame has no mask.
    struct UnmaskedFrame: Error {}

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard Self.unwrapInboundIn(data).maskKey != nil else { return context.fireErrorCaught(UnmaskedFrame()) }
        context.fireChannelRead(data)
    }
}
