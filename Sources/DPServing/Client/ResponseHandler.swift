import NIOCore
import NIOWebSocket

/// A handler that matches each response to its request: after the greeting, responses arrive in the order of the
/// requests.
///
/// While a response is pending, the handler sends pings, and closes the connection if nothing arrives.
final class ResponseHandler: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundIn = OutgoingRequest
    typealias OutboundOut = WebSocketFrame

    private struct Wait {
        let reply: EventLoopPromise<MessagePackValue>
        let deadline: Scheduled<Void>
    }

    private let address: ServerAddress
    private let timeout: Duration
    private let silence: Duration
    private let greeting: EventLoopPromise<MessagePackValue>
    private var waits: CircularBuffer<Wait> = []
    private var reason = "it was closed"
    private var watch: Scheduled<Void>?
    /// The number of consecutive checks without received data.
    private var silentLooks = 0
    /// The bytes of requests that the system had not accepted at the last check.
    private var unsent = 0

    /// The number of checks in the longest time that a server may be silent.
    private static let looks = 3

    /// The largest accepted response in bytes; action chunks are far smaller.
    static let longestMessage = 1 << 26
    /// The number of scalars of a refusal that are shown.
    private static let longestText = 1000

    init(_ address: ServerAddress, timeout: Duration, silence: Duration, greeting: EventLoopPromise<MessagePackValue>) {
        self.address = address
        self.timeout = timeout
        self.silence = silence
        self.greeting = greeting
    }

    func handlerAdded(context: ChannelHandlerContext) {
        wait(for: greeting, context)
        scheduleWatch(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        watch?.cancel()
        failAll()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let request = Self.unwrapOutboundIn(data)
        wait(for: request.reply, context)
        context.write(Self.wrapOutboundOut(frame(.binary, ByteBuffer(bytes: request.bytes))), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = Self.unwrapInboundIn(data)
        silentLooks = 0
        switch frame.opcode {
        case .binary, .text:
            guard let wait = waits.popFirst() else { return context.close(promise: nil) }
            wait.deadline.cancel()
            wait.reply.completeWith(read(frame))
        case .ping: send(.pong, frame.unmaskedData, context)
        case .connectionClose:
            var data = frame.unmaskedData
            let code = data.readSlice(length: 2)
            let number = code.flatMap { $0.getInteger(at: $0.readerIndex, as: UInt16.self) }
            reason =
                (number.map { "code \($0)" } ?? "no code")
                + " \(String(buffer: data).legible(atMost: Self.longestText))"
            // A close frame without a code gets one without a code in return: 1005, which stands for no code, is
            // never sent.
            send(.connectionClose, code ?? ByteBuffer(), context)
            context.close(promise: nil)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        failAll()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        reason = "\(error)"
        context.close(promise: nil)
    }

    private func read(_ frame: WebSocketFrame) -> Result<MessagePackValue, any Error> {
        let data = frame.unmaskedData
        if frame.opcode == .text {
            return .failure(
                PolicyClientError.refused(address, text: String(buffer: data).legible(atMost: Self.longestText)))
        }
        return Result {
            do {
                return try MessagePackValue(
                    decoding: Array(buffer: data), limits: MessagePackLimits(bytes: Self.longestMessage))
            } catch {
                throw PolicyClientError.unintelligible(address, reason: "\(error)")
            }
        }
    }

    /// Adds a promise for the next response that has none yet.
    private func wait(for reply: EventLoopPromise<MessagePackValue>, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else {
            return reply.fail(PolicyClientError.closed(address, reason: reason))
        }
        let deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) {
            reply.fail(PolicyClientError.timedOut(self.address, after: self.timeout))
            // A late response would be matched to another request.
            context.close(promise: nil)
        }
        waits.append(Wait(reply: reply, deadline: deadline))
    }

    private func scheduleWatch(_ context: ChannelHandlerContext) {
        watch = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(silence / Self.looks)) {
            self.look(context)
            self.scheduleWatch(context)
        }
    }

    /// Closes a connection over which nothing has arrived for the longest silence; otherwise sends a ping.
    ///
    /// It counts checks instead of seconds, because a process that was stopped finds its messages when it resumes.
    /// Progress in sending a long request also counts as a sign of life.
    private func look(_ context: ChannelHandlerContext) {
        let left = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if waits.isEmpty || left < unsent { silentLooks = 0 }
        unsent = left
        if waits.isEmpty { return }
        silentLooks += 1
        guard silentLooks <= Self.looks else {
            reason = "nothing was received for \(silence)"
            return context.close(promise: nil)
        }
        send(.ping, ByteBuffer(), context)
    }

    private func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer, _ context: ChannelHandlerContext) {
        context.writeAndFlush(Self.wrapOutboundOut(frame(opcode, data)), promise: nil)
    }

    /// Returns a frame, masked as clients must do (RFC 6455, section 5.3).
    private func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
        WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
    }

    private func failAll() {
        while let wait = waits.popFirst() {
            wait.deadline.cancel()
            wait.reply.fail(PolicyClientError.closed(address, reason: reason))
        }
    }
}
