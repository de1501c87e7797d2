import NIOCore
import NIOHTTP1

/// A handler that requests the upgrade to a websocket, and reads the reason of a refusal.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let address: ServerAddress
    private let key: String?
    private let greeting: EventLoopPromise<MessagePackValue>
    private var status = 0
    private var text = ""

    /// The number of scalars of a refusal that are read.
    private static let longestText = 500

    /// - Parameter greeting: fails if the server refuses the upgrade.
    init(_ address: ServerAddress, key: String?, greeting: EventLoopPromise<MessagePackValue>) {
        self.address = address
        self.key = key
        self.greeting = greeting
    }

    func channelActive(context: ChannelHandlerContext) {
        var headers: HTTPHeaders = ["Host": address.authority]
        if let key { headers.add(name: "Authorization", value: "Api-Key \(key)") }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.path, headers: headers)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenFailure { [greeting, address] error in
            greeting.fail(PolicyClientError(connectingTo: address, failed: error))
        }
        context.write(Self.wrapOutboundOut(.head(head)), promise: written)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(let body):
            // Counts scalars, because a single character can consist of millions of them.
            text = String((text + String(buffer: body)).unicodeScalars.prefix(Self.longestText))
        case .end:
            let line = text.split(whereSeparator: \.isNewline).joined(separator: " ").legible(atMost: Self.longestText)
            greeting.fail(PolicyClientError.connectionRefused(address, status: status, text: line))
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        greeting.fail(PolicyClientError.unreachable(address, reason: "it closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        greeting.fail(PolicyClientError(connectingTo: address, failed: error))
        context.close(promise: nil)
    }
}
