import DPBase
public import DPInterface
package import Logging

/// A server that lets clients call a policy over the network, with the websocket protocol of openpi.
///
/// It serves `/healthz` as soon as the policy is ready, and `/metrics` in the text format of Prometheus; every
/// other path is for clients of the policy.
///
/// ```swift
/// let policy = try DiffusionPolicy(contentsOf: "runs/pick-cup/policy", sampler: .ddim(steps: 10))
/// let configuration = policy.configuration
/// let metadata = PolicyMetadata(
///     name: "pick-cup", observations: configuration.observations,
///     actionDimension: configuration.action.dimension, horizon: configuration.horizon)
/// let server = try await PolicyServer.start(policy, metadata: metadata)
/// print("listening at ws://\(server.address)")
/// ```
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

    /// The address that the server listens on.
    public var address: ListeningAddress { server.address }

    /// Prepares a policy and starts to serve it.
    /// - Parameters:
    ///   - policy: computes the action chunks, on a thread of its own.
    ///   - metadata: the observations and actions of the policy; clients receive it when they connect.
    ///   - web: the address, access and limits of the server.
    ///   - batching: how requests are batched.
    ///
    /// The limit for messages is raised if requests to the policy can be longer.
    /// - Throws: `InputError`, or an error from preparing the policy.
    public static func start(
        _ policy: sending any ChunkingPolicy, metadata: PolicyMetadata,
        web: WebServerConfiguration = WebServerConfiguration(),
        batching: BatchingConfiguration = BatchingConfiguration()
    ) async throws -> PolicyServer {
        var web = web
        web.limits.messageBytes = max(web.limits.messageBytes, metadata.requestBytes)
        return try await start(
            policy, metadata: metadata, web: web, batching: batching, log: Logger(label: "policy server"))
    }

    /// Prepares a policy and starts to serve it, with all settings of the command line.
    /// - Parameters:
    ///   - policy: computes the action chunks, on a thread of its own.
    ///   - metadata: the observations and actions of the policy; clients receive it when they connect.
    ///   - names: the names of the policy's features in messages.
    ///   - web: the address, access and limits of the server.
    ///   - batching: how requests are batched.
    ///   - isStrict: whether the server refuses requests with observations far outside the training data; otherwise
    ///     the response reports them.
    ///   - log: receives a warning for each client whose observations are repeated, ignored or far outside the
    ///     training data.
    /// - Throws: `InputError`, also when a request to the policy could be longer than the limit for messages; or an
    ///   error from preparing the policy.
    package static func start(
        _ policy: sending any ChunkingPolicy, metadata: PolicyMetadata, names: FeatureNames = FeatureNames(),
        web: WebServerConfiguration = WebServerConfiguration(),
        batching: BatchingConfiguration = BatchingConfiguration(), isStrict: Bool = false, log: Logger
    ) async throws -> PolicyServer {
        try web.validate()
        try batching.validate()
        try names.validate(for: metadata.observations)
        guard metadata.requestBytes <= web.limits.messageBytes else {
            throw InputError(
                key: "server limit, message bytes",
                expected:
                    "at least \(metadata.requestBytes) (--message-bytes), the largest request to this policy",
                found: web.limits.messageBytes)
        }
        let metrics = ServerMetrics()
        let queue = BatchingQueue(batching, metrics: metrics)
        // Only the queue's thread uses the policy from now on.
        nonisolated(unsafe) var handover = [policy]
        try await queue.start { (handover.removeLast(), metadata.demonstratedRanges) }
        let limits = MessagePackLimits(bytes: web.limits.messageBytes)
        do {
            let server = try await WebServer.start(
                web,
                routes: [
                    WebRoute("/healthz", needsKey: false) { _ in WebResponse(text: "OK\n") },
                    WebRoute("/metrics") { _ in
                        WebResponse(
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

    /// Replaces the policy; connected clients notice only different actions.
    ///
    /// The new policy is created and prepared while the old one computes, and takes over between two batches: the
    /// old policy completes the batch in progress, the new one all later ones, and no request is lost or refused.
    /// The old policy is then released. If several calls run at the same time, the policy that is ready last stays.
    /// - Parameter load: creates the policy and its metadata; it runs on the thread that will use the policy.
    /// - Throws: `InputError` when the new policy needs requests that differ from the metadata of connected
    ///   clients, an error when the server is shutting down, or an error from `load` or the policy; the old policy
    ///   then continues.
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

    /// Stops accepting connections and requests, completes those in flight, and ends.
    public func shutDown() async {
        await server.shutDown()
        queue.finish()
    }
}
