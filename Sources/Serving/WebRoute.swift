/// What a web server answers to `GET` at a path.
public struct WebRoute: Sendable {
    /// The path, such as `/healthz`.
    public var path: String
    /// Whether a client must know the server's key, if it has one.
    public var needsKey: Bool
    /// Makes the answer; called on a thread of the network, so it must not take long.
    public var answer: @Sendable (WebRequest) -> WebAnswer

    /// A route that needs the key unless told otherwise.
    public init(_ path: String, needsKey: Bool = true, answer: @escaping @Sendable (WebRequest) -> WebAnswer) {
        self.path = path
        self.needsKey = needsKey
        self.answer = answer
    }
}

/// What a web server does with a websocket at a path.
public struct WebSocketRoute: Sendable {
    /// The path; nil stands for every one that is not another route's.
    public var path: String?
    /// Talks with the client; the connection is closed when it returns, and before that cancels it when the client has gone.
    ///
    /// When the server shuts down, the messages end, and what was received before may still be answered.
    public var handle: @Sendable (WebSocketConnection) async throws -> Void

    /// A route that needs the server's key, if it has one.
    public init(_ path: String? = nil, handle: @escaping @Sendable (WebSocketConnection) async throws -> Void) {
        self.path = path
        self.handle = handle
    }
}
