public import Logging
import Serving

/// Serves the page of a scene on this machine alone.
public final class PageServer: Sendable {
    private let server: WebServer

    private init(_ server: WebServer) { self.server = server }

    /// The page's address.
    public var address: String { "http://\(server.address)/" }

    /// Begins to serve a scene.
    ///
    /// Only pages of this server may connect to the scene, as their origin tells.
    /// - Parameters:
    ///   - scene: what the page shows.
    ///   - port: the port of this machine's loopback; 0 lets the system choose one.
    ///   - log: gets what the server has to say.
    /// - Throws: `InvalidSetting`, or `ListeningError` when the port is taken.
    public static func start(_ scene: LiveScene, port: Int, log: Logger) async throws -> PageServer {
        // A handful of pages watch; none says much.
        let limits = WebServerLimits(connections: 16, messageBytes: SceneCommand.longest)
        let configuration = WebServerConfiguration(address: ListeningAddress(port: port), limits: limits)
        let routes = PageFile.all.map { path, file in
            WebRoute(path) { _ in WebAnswer(contentType: file.contentType, body: file.bytes) }
        }
        let socket = WebSocketRoute("/socket") { try await Self.converse($0, scene) }
        return PageServer(try await WebServer.start(configuration, routes: routes, sockets: [socket], log: log))
    }

    /// Closes every page's connection, and ends.
    public func shutDown() async { await server.shutDown() }

    /// Tells a page of the scene, and the scene what the page says, until the page goes.
    private static func converse(_ connection: WebSocketConnection, _ scene: LiveScene) async throws {
        // A page that reads slowly misses the oldest messages: what counts is the scene as it is.
        let (texts, teller) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(64))
        let page = scene.connect { teller.yield($0) }
        defer { scene.disconnect(page) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await text in texts { try await connection.send(.text(text)) }
            }
            for try await message in connection.messages {
                guard case .text(let text) = message else { continue }
                scene.receive(text, from: page)
            }
            group.cancelAll()
        }
    }
}
