import DPBase
import Glibc
import NIOCore
import NIOWebSocket

/// A handler that converts complete websocket frames to messages and back, responds to pings, and closes
/// connections whose peer is silent or does not read.
final class WebSocketMessageHandler: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketMessage
    typealias OutboundIn = WebSocketOutput
    typealias OutboundOut = WebSocketFrame

    /// A command from the server to the handler of a connection.
    enum Order: Sendable {
        /// The server is shutting down: responses to received messages may be sent, but no further messages are
        /// accepted.
        case drain
        /// The peer has not sent any message, and the connection must make room for another client.
        case makeRoom
    }

    private enum State {
        case open
        /// Accepts no messages, but still sends responses.
        case draining
        /// A close frame was sent, and the peer's is expected.
        case closing
    }

    private let limits: WebServerLimits
    private var state = State.open
    private var watch: Scheduled<Void>?
    /// The time of the peer's last complete frame, or the last time at which the handler was not reading.
    private var lastReceived = NIODeadline.now()
    /// Whether the handler is reading from the peer; it is not while received messages wait to be processed.
    private var isReading = true
    private var unfinishedWrites = 0
    /// The time at which the last write finished, or the first unfinished one began.
    private var wrote = NIODeadline.now()
    /// Whether a pong is being written.
    private var isPonging = false
    /// The data of the latest ping that arrived while a pong was being written.
    private var latestPing: ByteBuffer?

    init(limits: WebServerLimits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) { scheduleWatch(context) }

    func handlerRemoved(context: ChannelHandlerContext) { watch?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = Self.unwrapInboundIn(data)
        lastReceived = .now()
        guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
            return close(context, .protocolError, "no extension was negotiated")
        }
        switch frame.opcode {
        case .binary where state == .open:
            context.fireChannelRead(Self.wrapInboundOut(.binary(Array(buffer: frame.unmaskedData))))
        case .text where state == .open:
            guard let text = String(validating: frame.unmaskedData.readableBytesView, as: UTF8.self) else {
                return close(context, .invalidText, "text that is not UTF-8")
            }
            context.fireChannelRead(Self.wrapInboundOut(.text(text)))
        case .ping where state != .closing:
            latestPing = frame.unmaskedData
            respondToPing(context)
        case .connectionClose: acceptClose(frame, context)
        case .binary, .text, .ping, .pong: break
        default: close(context, .protocolError, "a frame of an unknown type")
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard state != .closing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch Self.unwrapOutboundIn(data) {
        case .message(.text(let text)): write(context, .text, ByteBuffer(string: text), promise)
        case .message(.binary(let bytes)): write(context, .binary, ByteBuffer(bytes: bytes), promise)
        case .close(let code, let reason):
            promise?.succeed()
            close(context, code, reason)
        }
    }

    func read(context: ChannelHandlerContext) {
        isReading = true
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        context.fireChannelReadComplete()
        // Keep reading until the peer's close frame arrives, even though no messages are processed any longer.
        if state == .closing { read(context: context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? Order {
        case .drain?:
            guard state == .open else { return }
            state = .draining
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case .makeRoom?:
            close(
                context, .tryAgainLater,
                "no request since the connection was opened, and another client needs it; connect again")
        case nil: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as NIOWebSocketError:
            if error == .invalidFrameLength {
                closeTooLarge(context)
            } else {
                close(context, .protocolError, "\(error)")
            }
        case is ByteToMessageDecoderError where state == .closing:
            // Discard data after a broken frame until the peer has read the close frame.
            return
        case is InputError: close(context, .protocolError, "a frame without a mask")
        case let error as NIOWebSocketFrameAggregator.Error:
            switch error {
            case .accumulatedFrameSizeIsTooLarge: closeTooLarge(context)
            case .tooManyFragments: close(context, .tooLarge, "a message in more than 1024 fragments")
            default: close(context, .protocolError, "\(error)")
            }
        default: context.close(promise: nil)
        }
        context.fireErrorCaught(error)
    }

    /// Responds to the latest ping, once the peer has accepted the previous pong.
    ///
    /// Responding to the latest one suffices (RFC 6455, section 5.5.3), and a peer that sends pings without reading
    /// cannot fill the memory.
    private func respondToPing(_ context: ChannelHandlerContext) {
        guard !isPonging, state != .closing, let data = latestPing else { return }
        latestPing = nil
        isPonging = true
        let written = noteWrite(context)
        written.futureResult.assumeIsolated().whenSuccess {
            self.isPonging = false
            self.respondToPing(context)
        }
        context.writeAndFlush(
            Self.wrapOutboundOut(WebSocketFrame(fin: true, opcode: .pong, data: data)), promise: written)
    }

    private func write(
        _ context: ChannelHandlerContext, _ opcode: WebSocketOpcode, _ data: ByteBuffer,
        _ promise: EventLoopPromise<Void>?
    ) {
        let written = noteWrite(context)
        written.futureResult.cascade(to: promise)
        context.write(Self.wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)), promise: written)
    }

    /// Counts a write, and returns the promise that marks its end.
    private func noteWrite(_ context: ChannelHandlerContext) -> EventLoopPromise<Void> {
        if unfinishedWrites == 0 { wrote = .now() }
        unfinishedWrites += 1
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.unfinishedWrites -= 1
            self.wrote = .now()
        }
        return promise
    }

    private func closeTooLarge(_ context: ChannelHandlerContext) {
        close(
            context, .tooLarge,
            "a message of more than \(limits.messageBytes) bytes, the limit of the server (dpolicy serve --message-bytes)"
        )
    }

    /// Sends a close frame, and closes the connection if the peer takes too long to respond.
    private func close(_ context: ChannelHandlerContext, _ code: WebSocketCloseCode, _ reason: String) {
        guard state != .closing else { return }
        state = .closing
        var data = ByteBuffer()
        data.writeInteger(code.rawValue)
        // A control frame holds at most 125 bytes.
        data.writeString(String(decoding: reason.utf8.prefix(120), as: UTF8.self))
        let frame = WebSocketFrame(fin: true, opcode: .connectionClose, data: data)
        context.writeAndFlush(Self.wrapOutboundOut(frame), promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.closeTime)) {
            context.close(promise: nil)
        }
        read(context: context)
    }

    /// Handles a close frame from the peer, either its own request or its response to this side's.
    private func acceptClose(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
        guard state != .closing else { return context.close(promise: nil) }
        state = .closing
        var data = frame.unmaskedData
        let echo = WebSocketFrame(fin: true, opcode: .connectionClose, data: data.readSlice(length: 2) ?? ByteBuffer())
        context.writeAndFlush(Self.wrapOutboundOut(echo)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    /// Schedules the checks of the peer.
    ///
    /// Each one also sends a ping to show that the server is alive, because pings from the peer get no response while
    /// messages wait to be processed.
    private func scheduleWatch(_ context: ChannelHandlerContext) {
        let interval = TimeAmount(min(limits.idleTime / 3, limits.writeTime / 3, .seconds(1)))
        watch = context.eventLoop.assumeIsolated().scheduleTask(in: interval) {
            self.checkPeer(context)
            self.scheduleWatch(context)
        }
    }

    /// Closes the connection with a reset, so that unread data does not stay in the system's memory.
    private func abandon(_ context: ChannelHandlerContext) {
        let reset = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        guard let reset else { return context.close(promise: nil) }
        reset.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func checkPeer(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        if !isReading { lastReceived = now }
        let isStuck = unfinishedWrites > 0 && now - wrote > TimeAmount(limits.writeTime)
        if isStuck || now - lastReceived > TimeAmount(limits.idleTime) { return abandon(context) }
        guard state != .closing, context.channel.isWritable else { return }
        let ping = WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer())
        context.writeAndFlush(Self.wrapOutboundOut(ping), promise: noteWrite(context))
    }
}
