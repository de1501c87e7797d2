import DPBase
import Glibc
package import Logging
import NIOCore
import NIOPosix

/// An HTTP and websocket server: routes are values, and a websocket handler is a function that awaits messages and
/// sends others.
///
/// ```text
/// let server = try await WebServer.start(
///     WebServerConfiguration(), routes: [WebRoute("/healthz") { _ in WebResponse(text: "OK\n") }],
///     sockets: [WebSocketRoute("/echo") { for try await message in $0.messages { try await $0.send(message) } }],
///     log: logger)
/// ```
package final class WebServer: Sendable {
    /// The address the server listens on.
    ///
    /// If the configured port was 0, it has the port that the system chose.
    package let address: ListeningAddress
    private let listener: any Channel
    private let registry: ConnectionRegistry
    private let conversations: Task<Void, Never>
    private let shutdownTime: Duration

    private init(
        address: ListeningAddress, listener: any Channel, registry: ConnectionRegistry,
        conversations: Task<Void, Never>, shutdownTime: Duration
    ) {
        self.address = address
        self.listener = listener
        self.registry = registry
        self.conversations = conversations
        self.shutdownTime = shutdownTime
    }

    /// The number of open websockets.
    package var connectionCount: Int { registry.socketCount }

    /// Starts listening.
    /// - Throws: `InputError`, also when the address is in use or not an address of this machine.
    package static func start(
        _ configuration: WebServerConfiguration, routes: [WebRoute], sockets: [WebSocketRoute], log: Logger
    ) async throws -> WebServer {
        try configuration.validate()
        var configuration = configuration
        // The event loop threads open descriptors too, and end the process if there are none left.
        _ = try configuration.limits.fitting(FileDescriptors.available(atMost: wantedDescriptors(configuration.limits)))
        let group = MultiThreadedEventLoopGroup.singleton
        configuration.limits = try fittingLimits(configuration.limits, log)
        let registry = ConnectionRegistry(limits: configuration.limits, log: log)
        let admission = Admission(configuration: configuration, routes: routes, sockets: sockets, registry: registry)
        let (peers, arrivals) = AsyncStream<WebSocketPeer>.makeStream()
        let listener: any Channel
        do {
            listener = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 256)
                // A small batch: connections that have to make room close before many others are accepted.
                .serverChannelOption(.maxMessagesPerRead, value: 4)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // Running out of file descriptors must not end the server.
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
                    }
                }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { channel in
                    registry.begin(channel)
                    return channel.eventLoop.makeCompletedFuture {
                        try channel.expectRequest(admission, arrivals: arrivals)
                    }
                }
                .bind(host: configuration.address.host, port: configuration.address.port).get()
        } catch {
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) }
            throw InputError(
                at: "\(configuration.address)", expected: "a free address of this machine", found: reason ?? "\(error)")
        }
        let conversations = Task(executorPreference: ServerExecutor()) {
            await withDiscardingTaskGroup { group in
                for await peer in peers { group.addTask { await peer.converse(registry, log) } }
            }
        }
        listener.closeFuture.whenComplete { _ in arrivals.finish() }
        var address = configuration.address
        address.port = listener.localAddress?.port ?? address.port
        return WebServer(
            address: address, listener: listener, registry: registry, conversations: conversations,
            shutdownTime: configuration.limits.shutdownTime)
    }

    private static func wantedDescriptors(_ limits: WebServerLimits) -> Int {
        limits.connections + limits.handshakes + WebServerLimits.reserve
    }

    /// Returns the limits that fit into the system's limit on open files, and logs a warning when they are lower.
    private static func fittingLimits(_ limits: WebServerLimits, _ log: Logger) throws -> WebServerLimits {
        let fitting = try limits.fitting(FileDescriptors.available(atMost: wantedDescriptors(limits)))
        if fitting != limits {
            log.warning(
                """
                open files (ulimit -n): expected room for \(limits.connections) connections and \(limits.handshakes) \
                handshakes, found a limit of \(FileDescriptors.limit) files, which leaves room for \(fitting.connections) connections \
                and \(fitting.handshakes) handshakes; the server refuses further ones with 503
                """)
        }
        return fitting
    }

    /// Stops accepting connections and messages, waits for the responses in flight, sends every client a close
    /// frame, and ends.
    package func shutDown() async {
        try? await listener.close()
        registry.drain()
        let deadline = Task(executorPreference: ServerExecutor()) {
            try await Task.sleep(for: self.shutdownTime)
            self.registry.closeAll()
        }
        await conversations.value
        deadline.cancel()
        registry.closeAll()
    }
}
