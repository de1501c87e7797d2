import NIOHTTP1

/// What a client asks a web server for.
public struct WebRequest: Sendable {
    /// The method, such as `GET`.
    public let method: String
    /// The path, without what follows a question mark.
    public let path: String
    /// Who asks, an address and port.
    public let peer: String
    private let headers: HTTPHeaders

    init(_ head: HTTPRequestHead, peer: String) {
        method = head.method.rawValue
        path = String(head.uri.prefix { $0 != "?" })
        headers = head.headers
        self.peer = peer
    }

    /// The value of a header, whose name is found in any case; nil if it is not there, or more than once.
    public func header(_ name: String) -> String? {
        let values = headers[name]
        return values.count == 1 ? values[0] : nil
    }

    /// Whether the client wants the connection to become a websocket, not some other protocol to which one could be upgraded, such as `h2c`.
    var wantsWebSocket: Bool { headers[canonicalForm: "Upgrade"].contains { $0.lowercased() == "websocket" } }

    /// Whether there is such a header at all.
    func has(_ name: String) -> Bool { headers.contains(name: name) }
}
