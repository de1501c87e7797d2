import DPInterface
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Responds to one HTTP request that is not for a websocket, and closes the connection.
final class WebRouteHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: @Sendable (HTTPRequestHead, any Channel) -> WebResponse
    private var head: HTTPRequestHead?
    private var bodyBytes = 0

    /// The number of bytes of a request body that are read and discarded before the connection is closed.
    private static let maxBodyBytes = 1 << 16

    init(answer: @escaping @Sendable (HTTPRequestHead, any Channel) -> WebResponse) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            if bodyBytes > Self.maxBodyBytes { context.close(promise: nil) }
        case .end:
            guard let head else { return context.close(promise: nil) }
            self.head = nil
            write(answer(head, context.channel), isBodyWanted: head.method != .HEAD, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A refused upgrade also arrives as a request, and the response gives the reason. An earlier handler
        // responds to requests that cannot be parsed.
        if !(error is NIOWebSocketUpgradeError) { context.close(promise: nil) }
    }

    private func write(_ answer: WebResponse, isBodyWanted: Bool, _ context: ChannelHandlerContext) {
        let headers: HTTPHeaders = [
            "Content-Type": answer.contentType, "Content-Length": "\(answer.body.count)", "Connection": "close",
            "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "frame-ancestors 'none'",
        ]
        let status = HTTPResponseStatus(statusCode: answer.status)
        context.write(
            Self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
            promise: nil)
        if isBodyWanted, !answer.body.isEmpty {
            context.write(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}
