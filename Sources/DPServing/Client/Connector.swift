import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// A factory for connections to a server.
struct Connector {
    private let address: ServerAddress
    private let configuration: PolicyClientConfiguration
    private let trust: ServerTrust?

    /// - Throws: `PolicyClientError.invalidCertificates`, or `.encryptionMissing`.
    init(_ address: ServerAddress, _ configuration: PolicyClientConfiguration) throws {
        self.address = address
        self.configuration = configuration
        trust = address.isEncrypted ? try ServerTrust(in: configuration.trustedCertificates, for: address) : nil
    }

    /// Connects, and waits for the server's first message.
    /// - Throws: `PolicyClientError`.
    func connect() throws -> (connection: Connection, greeting: MessagePackValue) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let greeting = loop.makePromise(of: MessagePackValue.self)
        let (address, limit) = (address, configuration.connectTimeout)
        let deadline = loop.scheduleTask(in: TimeAmount(limit)) {
            greeting.fail(PolicyClientError.timedOut(address, after: limit))
        }
        defer { deadline.cancel() }
        let channel: any Channel
        do {
            channel = try ClientBootstrap(group: loop)
                .connectTimeout(TimeAmount(limit))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try setUp(channel, greeting) }
                }
                .connect(host: address.host, port: address.port).wait()
        } catch {
            greeting.fail(error)
            throw PolicyClientError(connectingTo: address, failed: error)
        }
        do {
            return (Connection(channel: channel, address: address), try greeting.futureResult.wait())
        } catch {
            channel.close(promise: nil)
            throw error
        }
    }

    private func setUp(_ channel: any Channel, _ greeting: EventLoopPromise<MessagePackValue>) throws {
        let operations = channel.pipeline.syncOperations
        if let trust { try operations.addHandler(trust.handler(for: address)) }
        let (address, timeout, silence) = (address, configuration.responseTimeout, configuration.idleTimeout)
        let upgrader = NIOWebSocketClientUpgrader(maxFrameSize: ResponseHandler.longestMessage) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                let operations = channel.pipeline.syncOperations
                operations.removeHandler(try operations.handler(type: HandshakeHandler.self), promise: nil)
                try operations.addHandlers([
                    NIOWebSocketFrameAggregator(
                        minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
                        maxAccumulatedFrameSize: ResponseHandler.longestMessage),
                    ResponseHandler(address, timeout: timeout, silence: silence, greeting: greeting),
                ])
            }
        }
        // The server's first message may arrive together with its handshake.
        try operations.addHTTPClientHandlers(
            leftOverBytesStrategy: .forwardBytes,
            withClientUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
        try operations.addHandler(HandshakeHandler(address, key: configuration.key, greeting: greeting))
    }
}
