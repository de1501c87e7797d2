import NIOHTTP1

/// A client's HTTP request to a web server.
package struct WebRequest: Sendable {
    /// The method, such as `GET`.
    package let method: String
    /// The path, without the query.
    package let path: String
    /// The address and port of the client.
    package let peer: String
    private let headers: HTTPHeaders

    init(_ head: HTTPRequestHead, peer: String) {
        method = head.method.rawValue
        path = String(head.uri.prefix { $0 != "?" })
        headers = head.headers
        self.peer = peer
    }

    /// Returns the value of a header, whose name is case-insensitive; nil if the header is missing or repeated.
    package func header(_ name: String) -> String? {
        let values = headers[name]
        return values.count == 1 ? values[0] : nil
    }

    /// Whether the client requests an upgrade to a websocket, and not to another protocol such as `h2c`.
    var wantsWebSocket: Bool { headers[canonicalForm: "Upgrade"].contains { $0.lowercased() == "websocket" } }

    /// Whether the request has a header.
    func has(_ name: String) -> Bool { headers.contains(name: name) }
}
