import DPServing
package import Logging

/// Serves the page of a scene on the loopback interface only.
package final class PageServer: Sendable {
    private let server: WebServer

    private init(_ server: WebServer) { self.server = server }

    /// The page's address.
    package var address: String { "http://\(server.address)/" }

    /// Starts to serve a scene.
    ///
    /// Only pages of this server may connect to the scene; their origin is checked.
    /// - Parameters:
    ///   - scene: the scene that the page shows.
    ///   - port: the loopback port; 0 lets the system choose one.
    ///   - log: receives the server's log messages.
    /// - Throws: `InputError`, also when the port is taken.
    package static func start(_ scene: LiveScene, port: Int, log: Logger) async throws -> PageServer {
        // Few pages connect, and their messages are short.
        let limits = WebServerLimits(connections: 16, messageBytes: SceneCommand.longest)
        let configuration = WebServerConfiguration(address: ListeningAddress(port: port), limits: limits)
        let routes = PageFile.all.map { path, file in
            WebRoute(path) { _ in WebResponse(contentType: file.contentType, body: file.bytes) }
        }
        let socket = WebSocketRoute("/socket") { try await Self.forwardMessages($0, scene) }
        return PageServer(try await WebServer.start(configuration, routes: routes, sockets: [socket], log: log))
    }

    /// Closes every page's connection and stops the server.
    package func shutDown() async { await server.shutDown() }

    /// Forwards the scene's messages to a page and the page's to the scene, until the page disconnects.
    private static func forwardMessages(_ connection: WebSocketConnection, _ scene: LiveScene) async throws {
        // A page that reads slowly misses the oldest messages, because only the current scene matters.
        let (texts, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(64))
        let page = scene.connect { continuation.yield($0) }
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
