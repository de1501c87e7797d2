import ArgumentParser
import DPInterface
import DPPlay
import DPPolicy
import DPPushT
import Foundation

/// Shows a running policy on a page.
struct PlayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "play",
        abstract: "Watch a policy push the T in a browser, disturb it, and inspect its plans.",
        discussion: """
            Serves a page on this machine only and prints its address. Drag the block or the pusher. Controls change \
            the sampler, its steps, the execution horizon, the latency and the chunk merging. Overlays show the \
            predicted chunk, its denoising, and sampled plans for the same observation. Press Ctrl-C to end.

            Examples:
              dpolicy play
              dpolicy play --policy runs/demo --sampler ddim --steps 10 \\
                --port 9000 --no-open
            """)

    @Option(
        help: ArgumentHelp("Policy folder; default: the shipped policy.", valueName: "dir"))
    var policy: String?

    @Option(parsing: .unconditional, help: "Seed of the first start state.")
    var seed: UInt64 = 0

    @OptionGroup var starts: SeedOptions
    @OptionGroup var page: PageOptions
    @OptionGroup var sampler: SamplerOptions
    @OptionGroup var simulation: TaskOptions
    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let named = try policy.map(NamedPolicy.init) ?? NamedPolicy.shipped()
        try simulation.check(named)
        let loaded = try named.load(sampler, machine: computing.machine(global, weights: acting.weights))
        try PushTTask.check(loaded.configuration)
        var definition = PushTTask.definition(showing: loaded.configuration.observations)
        definition.seeds = starts.seeds
        let scene = LiveScene(
            playing: PlayedPolicy(loaded, name: policy ?? named.url.lastPathComponent), definition: definition,
            seed: seed)
        try page.serve(scene, notice: "closing the page", keepsOutput: global.json)
    }
}

extension PlayedPolicy {
    /// Creates a played policy whose sampler can be changed while it runs.
    init(_ policy: DiffusionPolicy, name: String) {
        let shared = SharedPolicy(policy: policy)
        let own = policy.sampler
        let diffusion = policy.configuration.diffusion
        let trainingSteps = diffusion.steps
        let settings = PlaySettings(
            sampler: own.name, steps: own.steps ?? trainingSteps, executionHorizon: policy.horizon.action)
        self.init(
            name: name, horizon: policy.horizon, trainingSteps: trainingSteps, settings: settings
        ) { settings in
            let sampler = try own.changed(to: settings.sampler, steps: settings.steps, of: trainingSteps)
            try diffusion.warn(of: sampler)
            return try shared.policy.sampling(by: sampler)
        }
    }

    /// A policy that one thread creates and hands over to another.
    ///
    /// Unchecked, because the first thread keeps no reference to the policy.
    private struct SharedPolicy: @unchecked Sendable {
        let policy: DiffusionPolicy
    }
}
