import NIOCore

/// A websocket connection to a server; requests on it are completed in order.
struct Connection {
    let channel: any Channel
    let address: ServerAddress

    var isOpen: Bool { channel.isActive }

    /// Sends a request.
    /// - Returns: the response, or `PolicyClientError`.
    func send(_ bytes: [UInt8]) -> EventLoopFuture<MessagePackValue> {
        let promise = channel.eventLoop.makePromise(of: MessagePackValue.self)
        channel.writeAndFlush(OutgoingRequest(bytes: bytes, reply: promise)).whenFailure { [address] error in
            promise.fail(PolicyClientError.closed(address, reason: "\(error)"))
        }
        return promise.futureResult
    }

    func close() { channel.close(promise: nil) }
}

/// A request message and the promise of its response.
struct OutgoingRequest: Sendable {
    let bytes: [UInt8]
    let reply: EventLoopPromise<MessagePackValue>
}
