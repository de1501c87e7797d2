/// A websocket message.
package enum WebSocketMessage: Sendable, Equatable {
    /// Text.
    case text(String)
    /// Bytes.
    case binary([UInt8])
}

/// An outgoing message or close frame of a websocket.
enum WebSocketOutput: Sendable {
    case message(WebSocketMessage)
    /// Requests that the peer close the connection; the codes are those of RFC 6455, section 7.4.1.
    case close(WebSocketCloseCode, String)
}

/// The reason for closing a websocket: codes of RFC 6455, section 7.4.1, and of the IANA registry for them.
enum WebSocketCloseCode: UInt16, Sendable {
    case normal = 1000
    case goingAway = 1001
    case protocolError = 1002
    case invalidText = 1007
    case tooLarge = 1009
    case internalError = 1011
    case tryAgainLater = 1013
}
