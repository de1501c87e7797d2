import ArgumentParser
import CHeap
import CPUBackend
import Foundation
import Logging
import Policies
import PolicyInterface
import PolicyMessages
import Serving

/// Lets robots ask a policy over the network.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let robots ask a policy over the network, in the websocket protocol of openpi.",
        discussion: """
            A robot that uses openpi-client, or any other client of that protocol, connects to ws://HOST:PORT, gets the policy's metadata, \
            sends observations and gets actions. Requests of several robots that wait at the same time are answered as one batch. \
            http://HOST:PORT/healthz answers when the policy is ready, /metrics for Prometheus. Observations far outside of what the policy learned \
            from, such as degrees for radians, are warned of, counted and remarked on in the answer. Documentation/serving.md tells the rest.

            Without --policy, the one that ships with the project is served. At SIGHUP the server reads the folder of the policy again: the \
            new policy is prepared while the old one answers, then takes its place between two requests. One that cannot be read, or that robots \
            would have to ask otherwise, leaves the old one in its place. The server ends at SIGINT or SIGTERM, after it has answered what \
            is in flight.

            Examples:
              dpolicy serve --policy runs/demo/policy --sampler ddim --steps 10
              dpolicy serve --policy runs/demo/policy --field state=observation/state
              dpolicy serve --host 0.0.0.0 --api-key-file key.txt \\
                --tls-cert cert.pem --tls-key key.pem
            """)

    @Option(help: ArgumentHelp("Folder of the policy; the shipped one if not given.", valueName: "dir"))
    var policy: String?

    @OptionGroup var listening: ListeningOptions

    @Option(
        help: ArgumentHelp(
            "A field of the policy that has another name in messages; may be given several times.",
            valueName: "policy=wire"))
    var field: [RenamedField] = []

    @Option(parsing: .unconditional, help: "Requests that are answered together at most; 1 turns batching off.")
    var batch = 16

    @Option(parsing: .unconditional, help: "Requests that may wait; further ones are refused.")
    var queue = 64

    @Option(
        parsing: .unconditional,
        help: "Robots that may be connected; for another one, the oldest that never asked makes room.")
    var connections = 256

    @Option(
        parsing: .unconditional,
        help: """
            Bytes that a message may have; \(Serve.usualMessageBytes), or more where a request to the policy has more, if not given.
            """)
    var messageBytes: Int?

    @Flag(
        help: """
            Refuse requests with observations that lie far outside of what the policy learned from, instead of answering with a remark.
            """)
    var strict = false

    private static let usualMessageBytes = WebServerLimits().messageBytes

    @OptionGroup var sampler: SamplerOptions
    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    /// What `--json` prints when the server is ready.
    private struct Summary: Encodable {
        let address: String
        let host: String
        let port: Int
        let policy: String
    }

    private var limits: WebServerLimits {
        WebServerLimits(connections: connections, messageBytes: messageBytes ?? Self.usualMessageBytes)
    }
    private var batching: BatchingConfiguration { BatchingConfiguration(largestBatch: batch, queue: queue) }

    func validate() throws {
        guard (1...DiffusionPolicy.largestBatch).contains(batch) else {
            throw ValidationError("--batch: expected 1...\(DiffusionPolicy.largestBatch), found \(batch)")
        }
        try checkingUsage {
            try limits.validate()
            try batching.validate()
        }
        let names = Dictionary(grouping: field, by: \.field)
        if let name = names.keys.sorted().first(where: { names[$0]?.count != 1 }) {
            throw ValidationError("--field: expected one name for each field, found several for \(name)")
        }
    }

    func run() throws {
        // Each policy that is loaded has threads of its own, whose heaps would be in pieces when they have gone.
        heap_unite()
        // One for each connection, and some for everything else.
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

    /// Reads a policy, and tells what robots have to know of it.
    private static func load(
        _ folder: String, _ sampler: SamplerOptions, _ machine: CPUMachine
    ) throws -> (policy: any ChunkingPolicy, metadata: PolicyMetadata) {
        let chosen = NamedPolicy(at: folder)
        let policy = try chosen.load(sampler, machine: machine)
        let metadata = PolicyMetadata(
            name: chosen.url.lastPathComponent, observations: policy.configuration.observations,
            actionDimension: policy.configuration.action.dimension, horizon: policy.horizon,
            task: try chosen.task()?.rawValue, doubleFields: policy.doubleFields,
            demonstratedRanges: policy.demonstratedRanges)
        return (policy, metadata)
    }

    /// Begins to serve the policy; nothing but the server keeps it.
    private func start(
        _ load: @escaping Load, web: WebServerConfiguration, _ end: DispatchSemaphore
    ) throws -> (PolicyServer, Interruption) {
        let interruption = Interruption("answering what is in flight") { end.signal() }
        let names = FieldNames(Dictionary(uniqueKeysWithValues: field.map { ($0.field, $0.message) }))
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

    /// Serves the policy that is in the folder now.
    private static func reload(_ folder: String, _ load: @escaping Load, on server: PolicyServer) async {
        let start = ContinuousClock.now
        do {
            try await server.replacePolicy(load)
            let seconds = String(format: "%.2f", (ContinuousClock.now - start) / .seconds(1))
            Logger.messages.notice("\(folder): reloaded in \(seconds) s; what is asked from now on is answered by it")
        } catch {
            if Task.isCancelled { return }
            Logger.messages.error(
                "\(folder): not reloaded, the policy from before goes on answering: \(Dpolicy.explanation(of: error))")
        }
    }

    /// Says that the server is ready, at once even if a program reads it.
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
