public import Logging
public import PolicyInterface
public import PolicyMessages

/// Lets robots ask a policy over the network, in the websocket protocol of openpi.
///
/// At `/healthz` it answers as soon as the policy is ready, at `/metrics` in the form of Prometheus; every other path is for robots.
public final class PolicyServer: Sendable {
    private let server: WebServer
    private let queue: BatchingQueue
    private let metadata: PolicyMetadata
    private let metrics: ServerMetrics

    private init(_ server: WebServer, _ queue: BatchingQueue, _ metadata: PolicyMetadata, _ metrics: ServerMetrics) {
        self.server = server
        self.queue = queue
        self.metadata = metadata
        self.metrics = metrics
    }

    /// Where the server listens.
    public var address: ListeningAddress { server.address }

    /// Prepares a policy and begins to serve it.
    /// - Parameters:
    ///   - policy: answers the requests, on a thread of its own.
    ///   - metadata: what the policy looks at and commands; robots are told when they connect.
    ///   - names: how its fields are called in messages.
    ///   - web: where and for whom.
    ///   - batching: how many requests are answered together.
    ///   - isStrict: whether requests with observations far outside of what the policy learned from are refused; they are answered with a remark if not.
    ///   - log: gets a warning for each robot that sends what is not taken as it comes, or what the policy has not learned from.
    /// - Throws: `InvalidSetting`, also when a request of the policy would be longer than a message may be; `ListeningError`; or what the policy
    ///   throws when it cannot be prepared.
    public static func start(
        _ policy: sending any ChunkingPolicy, metadata: PolicyMetadata, names: FieldNames = FieldNames(),
        web: WebServerConfiguration = WebServerConfiguration(),
        batching: BatchingConfiguration = BatchingConfiguration(), isStrict: Bool = false, log: Logger
    ) async throws -> PolicyServer {
        try web.validate()
        try batching.validate()
        try names.validate(for: metadata.observations)
        guard metadata.requestBytes <= web.limits.messageBytes else {
            throw InvalidSetting(
                key: "server limit, message bytes",
                expected:
                    "at least \(metadata.requestBytes) (--message-bytes), which a request to this policy may have",
                found: web.limits.messageBytes)
        }
        let metrics = ServerMetrics()
        let queue = BatchingQueue(batching, metrics: metrics)
        // From now on, only the queue's thread has it.
        nonisolated(unsafe) var handover = [policy]
        try await queue.start { (handover.removeLast(), metadata.demonstratedRanges) }
        let limits = MessagePackLimits(bytes: web.limits.messageBytes)
        do {
            let server = try await WebServer.start(
                web,
                routes: [
                    WebRoute("/healthz", needsKey: false) { _ in WebAnswer(text: "OK\n") },
                    WebRoute("/metrics") { _ in
                        WebAnswer(
                            contentType: PrometheusText.contentType,
                            body: Array(metrics.text.utf8))
                    },
                ],
                sockets: [
                    WebSocketRoute { connection in
                        metrics.connected(1)
                        defer { metrics.connected(-1) }
                        var session = PolicySession(
                            metadata, names: names, limits: limits, queue: queue, metrics: metrics,
                            isStrict: isStrict, log: log)
                        try await session.run(connection)
                    }
                ], log: log)
            return PolicyServer(server, queue, metadata, metrics)
        } catch {
            queue.finish()
            throw error
        }
    }

    /// Lets another policy answer from now on; connected robots notice nothing but other actions.
    ///
    /// It is made and prepared while the old one answers, and takes over between two batches: the requests of the batch that is being computed
    /// are answered by the old policy, all others by the new one, and none is lost or refused. The old policy is then released. Of several calls at the
    /// same time, the policy that is ready last stays.
    /// - Parameter load: makes the policy and tells what it looks at and commands; called on the thread that will use the policy.
    /// - Throws: `InvalidSetting` when robots would have to ask it otherwise than they were told, an error when the server shuts down, or
    ///   what `load` or the policy throws; the old one then goes on.
    public func replacePolicy(
        _ load: @escaping @Sendable () throws -> (policy: any ChunkingPolicy, metadata: PolicyMetadata)
    ) async throws {
        let metadata = metadata
        do {
            try await queue.start {
                let (policy, other) = try load()
                try metadata.check(replacement: other)
                return (policy, other.demonstratedRanges)
            }
            metrics.reloaded(.replaced)
        } catch {
            metrics.reloaded(.failed)
            throw error
        }
    }

    /// Takes no more connections and requests, answers those in flight, and ends.
    public func shutDown() async {
        await server.shutDown()
        queue.finish()
    }
}
