import DPBase
import NIOCore
import NIOWebSocket

/// A handler that passes only masked frames.
///
/// Frames from a client must be masked (RFC 6455, section 5.1), so that no web page can send bytes that a proxy
/// misinterprets.
final class MaskedFrameHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard Self.unwrapInboundIn(data).maskKey != nil else {
            return context.fireErrorCaught(InputError(at: "frame", expected: "a mask", found: "none"))
        }
        context.fireChannelRead(data)
    }
}
