import Glibc
import NIOCore
import NIOWebSocket

/// Turns whole frames of a websocket into messages and back, answers pings, and closes connections whose peer is silent or does not read.
final class WebSocketMessageHandler: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketMessage
    typealias OutboundIn = WebSocketOutput
    typealias OutboundOut = WebSocketFrame

    /// What the server tells the handlers of a connection.
    enum Order: Sendable {
        /// The server shuts down: what was received may be answered, nothing more is taken.
        case drain
        /// The peer has long asked nothing, and another one wants its place.
        case makeRoom
    }

    private enum State {
        case open
        /// Nothing more is taken, but answers are sent.
        case draining
        /// A close frame was sent; the peer's is awaited.
        case closing
    }

    private let limits: WebServerLimits
    private var state = State.open
    private var watch: Scheduled<Void>?
    /// When the peer last sent a whole frame, or was last not listened to.
    private var heard = NIODeadline.now()
    /// Whether the peer is listened to now: while messages wait to be taken it is not.
    private var isListening = true
    private var unfinishedWrites = 0
    /// When a write last finished, or the first of those unfinished began.
    private var wrote = NIODeadline.now()
    /// Whether the peer has not accepted the answer to a ping yet.
    private var isPonging = false
    /// What the latest ping said, if it came meanwhile.
    private var latestPing: ByteBuffer?

    init(limits: WebServerLimits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) { scheduleWatch(context) }

    func handlerRemoved(context: ChannelHandlerContext) { watch?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = Self.unwrapInboundIn(data)
        heard = .now()
        guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
            return close(context, .protocolError, "no extension was agreed on")
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
            answerPing(context)
        case .connectionClose: acceptClose(frame, context)
        case .binary, .text, .ping, .pong: break
        default: close(context, .protocolError, "a frame of unknown kind")
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
        isListening = true
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isListening = false
        context.fireChannelReadComplete()
        // The peer's close frame is waited for even though nobody takes messages any longer.
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
                "nothing was asked for long, and another client wants the place; connect again")
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
            // What follows a broken frame is thrown away until the peer has read why.
            return
        case is MaskedFrameHandler.UnmaskedFrame: close(context, .protocolError, "a frame without a mask")
        case let error as NIOWebSocketFrameAggregator.Error:
            switch error {
            case .accumulatedFrameSizeIsTooLarge: closeTooLarge(context)
            case .tooManyFragments: close(context, .tooLarge, "a message in more than 1024 pieces")
            default: close(context, .protocolError, "\(error)")
            }
        default: context.close(promise: nil)
        }
        context.fireErrorCaught(error)
    }

    /// Answers the latest ping, once the peer has accepted the answer before.
    ///
    /// That the latest one is answered is enough (RFC 6455, section 5.5.3), and a peer that sends pings without reading cannot fill the memory.
    private func answerPing(_ context: ChannelHandlerContext) {
        guard !isPonging, state != .closing, let data = latestPing else { return }
        latestPing = nil
        isPonging = true
        let written = noteWrite(context)
        written.futureResult.assumeIsolated().whenSuccess {
            self.isPonging = false
            self.answerPing(context)
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

    /// Counts a write that begins, and its end.
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

    /// Asks the peer to close the connection, and closes it if that takes too long.
    private func close(_ context: ChannelHandlerContext, _ code: WebSocketCloseCode, _ reason: String) {
        guard state != .closing else { return }
        state = .closing
        var data = ByteBuffer()
        data.writeInteger(code.rawValue)
        // A control frame holds 125 bytes.
        data.writeString(String(decoding: reason.utf8.prefix(120), as: UTF8.self))
        let frame = WebSocketFrame(fin: true, opcode: .connectionClose, data: data)
        context.writeAndFlush(Self.wrapOutboundOut(frame), promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.closeTime)) {
            context.close(promise: nil)
        }
        read(context: context)
    }

    /// The peer wants to close, or answers that it will.
    private func acceptClose(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
        guard state != .closing else { return context.close(promise: nil) }
        state = .closing
        var data = frame.unmaskedData
        let echo = WebSocketFrame(fin: true, opcode: .connectionClose, data: data.readSlice(length: 2) ?? ByteBuffer())
        context.writeAndFlush(Self.wrapOutboundOut(echo)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    /// Looks often enough how the peer is, and shows it by a ping that the server is there: while messages wait to be taken, pings of the peer are not
    /// answered.
    private func scheduleWatch(_ context: ChannelHandlerContext) {
        let interval = TimeAmount(min(limits.idleTime / 3, limits.writeTime / 3, .seconds(1)))
        watch = context.eventLoop.assumeIsolated().scheduleTask(in: interval) {
            self.look(context)
            self.scheduleWatch(context)
        }
    }

    /// Closes the connection with a reset: what the peer does not read shall not wait for it in the system's memory.
    private func abandon(_ context: ChannelHandlerContext) {
        let reset = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        guard let reset else { return context.close(promise: nil) }
        reset.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func look(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        if !isListening { heard = now }
        let isStuck = unfinishedWrites > 0 && now - wrote > TimeAmount(limits.writeTime)
        if isStuck || now - heard > TimeAmount(limits.idleTime) { return abandon(context) }
        guard state != .closing, context.channel.isWritable else { return }
        let ping = WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer())
        context.writeAndFlush(Self.wrapOutboundOut(ping), promise: noteWrite(context))
    }
}
