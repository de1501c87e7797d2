import NIOCore
import PolicyMessages

/// A websocket to a server, over which questions are asked one after another.
struct Connection {
    let channel: any Channel
    let address: ServerAddress

    var isOpen: Bool { channel.isActive }

    /// Sends a question.
    /// - Returns: the answer, or `PolicyClientError`.
    func ask(_ bytes: [UInt8]) -> EventLoopFuture<MessagePackValue> {
        let promise = channel.eventLoop.makePromise(of: MessagePackValue.self)
        channel.writeAndFlush(Question(bytes: bytes, reply: promise)).whenFailure { [address] error in
            promise.fail(PolicyClientError.closed(address, reason: "\(error)"))
        }
        return promise.futureResult
    }

    func close() { channel.close(promise: nil) }
}

/// A message whose answer somebody waits for.
struct Question: Sendable {
    let bytes: [UInt8]
    let reply: EventLoopPromise<MessagePackValue>
}
