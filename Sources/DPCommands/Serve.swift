import ArgumentParser
import CDPSystem
import DPCPU
import DPInterface
import DPPolicy
import DPServing
import Foundation
import Logging

/// Serves a policy over the network.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a policy over the network with the websocket protocol of openpi.",
        discussion: """
            Clients use openpi-client or any other implementation of the protocol. A client connects to \
            ws://HOST:PORT, receives the policy's metadata, sends observations and receives actions. Requests that \
            wait at the same time are processed as one batch. http://HOST:PORT/healthz responds when the policy is \
            ready; /metrics exports Prometheus metrics. Observations far outside the training data, such as degrees \
            instead of radians, are logged, counted and reported in the response. See Documentation/serving.md.

            Without --policy, the shipped policy is served. On SIGHUP, the server reloads the policy folder: it \
            prepares the new policy while the old one continues, then switches between two requests. It keeps the \
            old policy if the new one cannot be read or requires different requests. On SIGINT or SIGTERM, the \
            server finishes the requests in flight and exits.

            Examples:
              dpolicy serve --policy runs/demo/policy --sampler ddim --steps 10
              dpolicy serve --policy runs/demo/policy --feature state=observation/state
              dpolicy serve --host 0.0.0.0 --api-key-file key.txt \\
                --tls-cert cert.pem --tls-key key.pem
            """)

    @Option(help: ArgumentHelp("Policy folder; default: the shipped policy.", valueName: "dir"))
    var policy: String?

    @OptionGroup var listening: ListeningOptions

    @Option(
        help: ArgumentHelp(
            "Rename a feature of the policy in messages; repeatable.",
            valueName: "feature=key"))
    var feature: [RenamedFeature] = []

    @Option(parsing: .unconditional, help: "Maximum batch size; 1 disables batching.")
    var batch = 16

    @Option(
        parsing: .unconditional,
        help: "Maximum number of waiting requests; further ones get an error (outcome queue_full).")
    var queue = 64

    @Option(
        parsing: .unconditional,
        help: """
            Maximum number of clients; a further one replaces the oldest connection that is at least 10 s old and has \
            never sent a request, or is refused.
            """)
    var connections = 256

    @Option(
        parsing: .unconditional,
        help: """
            Maximum message size in bytes; default: \(Serve.usualMessageBytes), or more if requests to the policy are \
            larger.
            """)
    var messageBytes: Int?

    @Flag(
        help: """
            Refuse requests with observations far outside the training data instead of reporting them in the response.
            """)
    var strict = false

    private static let usualMessageBytes = WebServerLimits().messageBytes

    @OptionGroup var sampler: SamplerOptions
    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    /// The output of `--json` when the server is ready.
    private struct Summary: Encodable {
        let address: String
        let host: String
        let port: Int
        let policy: String
    }

    private var limits: WebServerLimits {
        WebServerLimits(connections: connections, messageBytes: messageBytes ?? Self.usualMessageBytes)
    }
    private var batching: BatchingConfiguration { BatchingConfiguration(maxBatchSize: batch, maxQueueLength: queue) }

    func validate() throws {
        guard (1...DiffusionPolicy.largestBatch).contains(batch) else {
            throw ValidationError("--batch: expected 1...\(DiffusionPolicy.largestBatch), found \(batch)")
        }
        try checkingUsage {
            try limits.validate()
            try batching.validate()
        }
        let names = Dictionary(grouping: feature, by: \.feature)
        if let name = names.keys.sorted().first(where: { names[$0]?.count != 1 }) {
            throw ValidationError("--feature: expected one name for each feature, found several for \(name)")
        }
    }

    func run() throws {
        // Each loaded policy has its own threads. Their separate heaps would stay fragmented after they end.
        heap_unite()
        // One descriptor per connection, and some for everything else.
        FileDescriptors.raiseLimit(to: limits.connections + limits.handshakes + 256)
        let web = try listening.configuration(limits: limits)
        let reloads = ReloadRequests()
        let folder = try policy ?? ShippedPolicy.locate().path
        let (sampler, computing, global, weights) = (sampler, computing, global, acting.weights)
        let load: Load = {
            try Self.load(folder, sampler, computing.machine(global, weights: weights))
        }
        let end = DispatchSemaphore(value: 0)
        let (server, interruption) = try start(load, web: web, end)
        try present(server.address, isEncrypted: web.security != nil, policy: folder)
        let reloading = Task { [requests = reloads.stream] in
            for await _ in requests { await Self.reload(folder, load, on: server) }
        }
        withExtendedLifetime((interruption, reloads)) { end.wait() }
        reloading.cancel()
        try awaiting { await server.shutDown() }
    }

    private typealias Load = @Sendable () throws -> (policy: any ChunkingPolicy, metadata: PolicyMetadata)

    /// Loads a policy and the metadata that clients receive.
    private static func load(
        _ folder: String, _ sampler: SamplerOptions, _ machine: CPUBackend
    ) throws -> (policy: any ChunkingPolicy, metadata: PolicyMetadata) {
        let chosen = NamedPolicy(at: folder)
        let policy = try chosen.load(sampler, machine: machine)
        var metadata = PolicyMetadata(
            name: chosen.url.lastPathComponent, observations: policy.configuration.observations,
            actionDimension: policy.configuration.action.dimension, horizon: policy.horizon,
            task: try chosen.task()?.rawValue, doubleFeatures: policy.doubleFeatures)
        metadata.demonstratedRanges = policy.demonstratedRanges
        return (policy, metadata)
    }

    /// Starts to serve the policy.
    ///
    /// Only the server holds a reference to it.
    private func start(
        _ load: @escaping Load, web: WebServerConfiguration, _ end: DispatchSemaphore
    ) throws -> (PolicyServer, Interruption) {
        let interruption = Interruption("finishing the requests in flight") { end.signal() }
        let names = FeatureNames(Dictionary(uniqueKeysWithValues: feature.map { ($0.feature, $0.message) }))
        let (messageBytes, batching, strict) = (messageBytes, batching, strict)
        let server = try awaiting {
            let (policy, metadata) = try load()
            var web = web
            if messageBytes == nil { web.limits.messageBytes = max(web.limits.messageBytes, metadata.requestBytes) }
            try checkingUsage { try names.validate(for: metadata.observations) }
            return try await PolicyServer.start(
                policy, metadata: metadata, names: names, web: web, batching: batching, isStrict: strict,
                log: .messages)
        }
        return (server, interruption)
    }

    /// Replaces the served policy with the current one in the folder.
    private static func reload(_ folder: String, _ load: @escaping Load, on server: PolicyServer) async {
        let start = ContinuousClock.now
        do {
            try await server.replacePolicy(load)
            let seconds = String(format: "%.2f", (ContinuousClock.now - start) / .seconds(1))
            Logger.messages.notice("\(folder): reloaded in \(seconds) s; new requests use the new policy")
        } catch {
            if Task.isCancelled { return }
            Logger.messages.error(
                "\(folder): not reloaded, the previous policy stays in use: \(RootCommand.explanation(of: error))")
        }
    }

    /// Reports that the server is ready and flushes the report, so that a program that reads it receives it
    /// immediately.
    private func present(_ address: ListeningAddress, isEncrypted: Bool, policy: String) throws {
        let url = "\(isEncrypted ? "wss" : "ws")://\(address)"
        if global.json {
            try StandardOutput.write(
                json: Summary(address: url, host: address.host, port: address.port, policy: policy))
        } else {
            StandardOutput.write(line: "\(policy) is served at \(url)")
        }
        try StandardOutput.flush()
    }
}
