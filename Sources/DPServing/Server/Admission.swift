import NIOHTTP1

/// Decides how a request is handled: by a route, a refusal, or an upgrade to a websocket.
struct Admission: Sendable {
    enum Decision {
        case answer(WebResponse)
        case socket(WebSocketRoute)
    }

    let configuration: WebServerConfiguration
    let routes: [WebRoute]
    let sockets: [WebSocketRoute]
    let registry: ConnectionRegistry

    func decide(_ request: WebRequest) -> Decision {
        if !request.wantsWebSocket, let route = routes.first(where: { $0.path == request.path }) {
            return answer(request, route)
        }
        let exact = sockets.first { $0.path == request.path }
        let isTaken = routes.contains { $0.path == request.path }
        guard let socket = exact ?? (isTaken ? nil : sockets.first { $0.path == nil }) else {
            return .answer(WebResponse(status: 404, text: "there is nothing at this path\n"))
        }
        if !isKnown(request) { return .answer(Self.keyWanted) }
        guard request.wantsWebSocket else {
            return .answer(WebResponse(status: 426, text: "this path is for websockets\n"))
        }
        guard isFromHere(request) else {
            return .answer(WebResponse(status: 403, text: "a page of another origin may not connect\n"))
        }
        guard registry.hasRoom else {
            registry.refuse(request.peer)
            return .answer(WebResponse(status: 503, text: "the connection limit is reached\n"))
        }
        return .socket(socket)
    }

    private func answer(_ request: WebRequest, _ route: WebRoute) -> Decision {
        guard ["GET", "HEAD"].contains(request.method) else {
            return .answer(WebResponse(status: 405, text: "this path is for GET\n"))
        }
        if route.needsKey, !isKnown(request) { return .answer(Self.keyWanted) }
        return .answer(route.answer(request))
    }

    private static let keyWanted = WebResponse(
        status: 401, text: "expected the header Authorization: Api-Key KEY with the server's key\n")

    private func isKnown(_ request: WebRequest) -> Bool {
        configuration.key?.opens(request.header("Authorization")) ?? true
    }

    /// Whether a request does not come from a web page, or comes from a page of this server.
    ///
    /// Browsers let every page connect to every websocket and send the page's origin; other programs send none. If
    /// only this machine can reach the server, the `Host` header must also be a loopback name, because anybody
    /// could make another name resolve to this machine.
    private func isFromHere(_ request: WebRequest) -> Bool {
        guard request.has("Origin") else { return true }
        guard let origin = request.header("Origin"), let host = request.header("Host"),
            origin == "http://\(host)" || origin == "https://\(host)"
        else { return false }
        return !configuration.address.isLoopback || ListeningAddress.isLoopback(Self.name(ofHost: host))
    }

    /// Returns the name in a `Host` header, without the port and the brackets of an IPv6 address.
    private static func name(ofHost host: String) -> String {
        if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
        return String(host.prefix { $0 != ":" })
    }
}
