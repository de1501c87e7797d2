import ArgumentParser
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
            http://HOST:PORT/healthz answers when the policy is ready, /metrics for Prometheus. Documentation/serving.md tells the rest.

            Without --policy, the one that ships with the project is served. The server ends at SIGINT or SIGTERM, after it has answered \
            what is in flight.

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

    @Option(parsing: .unconditional, help: "Bytes that a message may have.")
    var messageBytes = 8 << 20

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

    private var limits: WebServerLimits { WebServerLimits(connections: connections, messageBytes: messageBytes) }
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
        let web = try listening.configuration(limits: limits)
        let chosen = try policy.map(NamedPolicy.init) ?? NamedPolicy.shipped()
        let policy = try chosen.load(sampler, machine: computing.machine(global, weights: acting.weights))
        let metadata = PolicyMetadata(
            name: chosen.url.lastPathComponent, observations: policy.configuration.observations,
            actionDimension: policy.configuration.action.dimension, horizon: policy.horizon)
        let names = FieldNames(Dictionary(uniqueKeysWithValues: field.map { ($0.field, $0.message) }))
        try checkingUsage { try names.validate(for: metadata.observations) }

        let end = DispatchSemaphore(value: 0)
        let interruption = Interruption("answering what is in flight") { end.signal() }
        let batching = batching
        // From now on, only the server's thread uses it.
        nonisolated(unsafe) let served: any ChunkingPolicy = policy
        let server = try awaiting {
            try await PolicyServer.start(
                served, metadata: metadata, names: names, web: web, batching: batching, log: .messages)
        }
        try present(server.address, isEncrypted: web.security != nil, policy: chosen.name)
        withExtendedLifetime(interruption) { end.wait() }
        try awaiting { await server.shutDown() }
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
