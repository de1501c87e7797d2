/// A message of a websocket.
public enum WebSocketMessage: Sendable, Equatable {
    /// Text.
    case text(String)
    /// Bytes.
    case binary([UInt8])
}

/// What a websocket is told to send.
enum WebSocketOutput: Sendable {
    case message(WebSocketMessage)
    /// Asks the peer to close; the codes are those of RFC 6455, section 7.4.1.
    case close(WebSocketCloseCode, String)
}

/// Why a websocket is closed, in the codes of RFC 6455, section 7.4.1, and of the registry that it founded.
enum WebSocketCloseCode: UInt16, Sendable {
    case normal = 1000
    case goingAway = 1001
    case protocolError = 1002
    case invalidText = 1007
    case tooLarge = 1009
    case internalError = 1011
    case tryAgainLater = 1013
}
