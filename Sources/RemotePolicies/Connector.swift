import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
import PolicyMessages

/// Makes connections to a server.
struct Connector {
    private let address: ServerAddress
    private let configuration: PolicyClientConfiguration
    private let security: NIOSSLContext?

    /// - Throws: `PolicyClientError.invalidCertificates`.
    init(_ address: ServerAddress, _ configuration: PolicyClientConfiguration) throws {
        self.address = address
        self.configuration = configuration
        guard address.isEncrypted else {
            security = nil
            return
        }
        var settings = TLSConfiguration.makeClientConfiguration()
        // RFC 8996 deprecates older versions.
        settings.minimumTLSVersion = .tlsv12
        do {
            if let file = configuration.trustedCertificates {
                settings.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
            }
            security = try NIOSSLContext(configuration: settings)
        } catch {
            throw PolicyClientError.invalidCertificates(
                file: configuration.trustedCertificates ?? "the system's certificates", reason: "\(error)")
        }
    }

    /// Connects, and waits for what the server says first.
    /// - Throws: `PolicyClientError`.
    func connect() throws -> (connection: Connection, greeting: MessagePackValue) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let greeting = loop.makePromise(of: MessagePackValue.self)
        let (address, limit) = (address, configuration.connectTime)
        let deadline = loop.scheduleTask(in: TimeAmount(limit)) {
            greeting.fail(PolicyClientError.late(address, after: limit))
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
        if let security {
            // A name is checked against the certificate; a number cannot be told to the server, but is checked too.
            let isNumber = (try? SocketAddress(ipAddress: address.host, port: address.port)) != nil
            try operations.addHandler(
                NIOSSLClientHandler(context: security, serverHostname: isNumber ? nil : address.host))
        }
        let (address, patience) = (address, configuration.answerTime)
        let upgrader = NIOWebSocketClientUpgrader(maxFrameSize: ReplyHandler.longestMessage) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                let operations = channel.pipeline.syncOperations
                operations.removeHandler(try operations.handler(type: HandshakeHandler.self), promise: nil)
                try operations.addHandlers([
                    NIOWebSocketFrameAggregator(
                        minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
                        maxAccumulatedFrameSize: ReplyHandler.longestMessage),
                    ReplyHandler(address, patience: patience, greeting: greeting),
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
