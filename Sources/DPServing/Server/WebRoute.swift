/// The response of a web server to `GET` at a path.
package struct WebRoute: Sendable {
    /// The path, such as `/healthz`.
    package var path: String
    /// Whether a client must send the server's key, if it has one.
    package var needsKey: Bool
    /// Creates the response.
    ///
    /// It runs on an event loop thread, so it must return quickly.
    package var answer: @Sendable (WebRequest) -> WebResponse

    /// Creates a route that requires the key by default.
    package init(_ path: String, needsKey: Bool = true, answer: @escaping @Sendable (WebRequest) -> WebResponse) {
        self.path = path
        self.needsKey = needsKey
        self.answer = answer
    }
}

/// The handler of a websocket at a path.
package struct WebSocketRoute: Sendable {
    /// The path; nil matches every path without a route of its own.
    package var path: String?
    /// Communicates with the client.
    ///
    /// The connection is closed when the function returns; if the client disconnects first, the function is canceled.
    ///
    /// When the server shuts down, the messages end, and the handler may still respond to those received before.
    package var handle: @Sendable (WebSocketConnection) async throws -> Void

    /// Creates a route that requires the server's key, if it has one.
    package init(_ path: String? = nil, handle: @escaping @Sendable (WebSocketConnection) async throws -> Void) {
        self.path = path
        self.handle = handle
    }
}
