import Glibc
public import Logging
import NIOCore
import NIOPosix

/// An HTTP and websocket server: routes are values, and what a websocket does is a function that awaits messages and sends others.
///
/// ```swift
/// let server = try await WebServer.start(
///     WebServerConfiguration(), routes: [WebRoute("/healthz") { _ in WebAnswer(text: "OK\n") }],
///     sockets: [WebSocketRoute("/echo") { for try await message in $0.messages { try await $0.send(message) } }],
///     log: logger)
/// ```
public final class WebServer: Sendable {
    /// Where the server listens, with the port that the system chose if it was to.
    public let address: ListeningAddress
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

    /// How many websockets are open.
    public var connectionCount: Int { registry.socketCount }

    /// Begins to listen.
    /// - Throws: `InvalidSetting`, or `ListeningError` when the address is taken or not this machine's.
    public static func start(
        _ configuration: WebServerConfiguration, routes: [WebRoute], sockets: [WebSocketRoute], log: Logger
    ) async throws -> WebServer {
        try configuration.validate()
        var configuration = configuration
        // The threads of the network have descriptors, too, and end the process if they find none.
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
                // Those that have to make room go before many others have come.
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
            throw ListeningError(address: configuration.address, reason: reason ?? "\(error)")
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

    /// The limits that the system's limit of open files leaves room for; a warning says so when these are less.
    private static func fittingLimits(_ limits: WebServerLimits, _ log: Logger) throws -> WebServerLimits {
        let fitting = try limits.fitting(FileDescriptors.available(atMost: wantedDescriptors(limits)))
        if fitting != limits {
            log.warning(
                """
                open files (ulimit -n): expected room for \(limits.connections) connections and \(limits.handshakes) that have not said what \
                they want, found a limit of \(FileDescriptors.limit) files, which leaves room for \(fitting.connections) and \
                \(fitting.handshakes); further ones get 503
                """)
        }
        return fitting
    }

    /// Takes no more connections and messages, lets what is in flight be answered, says goodbye to every client, and ends.
    public func shutDown() async {
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

/// An address that a server cannot listen on.
public struct ListeningError: Error, CustomStringConvertible {
    /// The address.
    public let address: ListeningAddress
    /// What the system says.
    public let reason: String

    /// One line: the address, what was expected, what the system says.
    public var description: String { "\(address): expected an address of this machine that is free, found \(reason)" }
}
