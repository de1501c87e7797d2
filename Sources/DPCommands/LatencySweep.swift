public import ArgumentParser
public import DPCPU
public import DPEvaluation
public import DPInterface
public import DPPolicy
public import Foundation

/// Evaluates a policy at several latencies with several chunk merging methods.
struct LatencySweep: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "Compare chunk merging methods in Push-T: score and jerk against latency, as tables and plots.",
        discussion: """
            Each merging method is evaluated at each latency in simulated time, on the same seeds. Jerk is the mean \
            norm of the third finite difference of the commands over time, in pixels per s³, at chunk boundaries and \
            overall. The --output folder receives latency.json with every result, latency.md with the tables, and \
            the plots latency-score.svg, latency-jerk.svg and latency-overall-jerk.svg. Without --policy, the \
            shipped policy is evaluated.

            Examples:
              dpolicy latency
              dpolicy latency --policy runs/demo/policy --output runs/demo/latency \\
                --sampler ddim --steps 10
              dpolicy latency --latencies 0 0.2 0.4 --mergings skip-stale linear-blend:2 \\
                --episodes 20 --seed 200000
              dpolicy latency --source action --latencies 0 0.1 0.2
            """)

    @Option(help: ArgumentHelp("Policy folder; default: the shipped policy.", valueName: "dir"))
    var policy: String?

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Latencies to evaluate.", valueName: "seconds"))
    var latencies = [0, 0.1, 0.2, 0.3, 0.5]

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Merging methods to evaluate; default: all of \(ControlOptions.mergingNames)."),
        transform: ChunkMerging.init)
    var mergings = ChunkMerging.all

    @Option(help: "Source of the latency: observation, computation or action.")
    var source = SimulatedLatency.Part.computation

    @Option(parsing: .unconditional, help: "Number of episodes, each with its own seed.")
    var episodes = EvaluationConfiguration.testSeeds.count

    @Option(parsing: .unconditional, help: "Seed of the first episode.")
    var seed = EvaluationConfiguration.testSeeds.lowerBound

    @OptionGroup var starts: SeedOptions

    @Option(parsing: .unconditional, help: "Seed of the sampling noise.")
    var samplerSeed: UInt64 = 0

    @Option(help: ArgumentHelp("Output folder.", valueName: "dir"))
    var output = "latency"

    @OptionGroup var sampler: SamplerOptions
    @OptionGroup var simulation: TaskOptions
    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard !latencies.isEmpty, !mergings.isEmpty else {
            throw ValidationError("--latencies, --mergings: expected at least one value each, found none")
        }
        try checkingUsage { for settings in combinations { _ = try PushTTask.evaluator(settings) } }
    }

    /// All combinations of a latency and a merging method.
    private var combinations: [EvaluationConfiguration] {
        latencies.flatMap { latency in
            mergings.map { merging in
                EvaluationConfiguration(
                    episodes: episodes, firstSeed: seed, seeding: starts.seeding, samplerSeed: samplerSeed,
                    control: ControlConfiguration(merging: merging), latency: SimulatedLatency(latency, of: source))
            }
        }
    }

    func run() throws {
        try OutputPath.check(folder: output)
        let chosen = try policy.map(NamedPolicy.init) ?? NamedPolicy.shipped()
        try simulation.check(chosen)
        let policy = try chosen.load(sampler, machine: computing.machine(global, weights: acting.weights))
        try PushTTask.check(policy.configuration)
        let trainingSteps = policy.configuration.diffusion.steps
        let sampler = policy.sampler.summary(trainingSteps: trainingSteps)
        var study = LatencyStudy(policy: "\(chosen.name), \(sampler)\(starts.remark)")
        let folder = URL(fileURLWithPath: output)
        for settings in combinations {
            study.add(try evaluate(policy, settings))
            // Save each result before the next evaluation.
            try study.write(to: folder)
        }
        if global.json {
            try StandardOutput.write(json: study)
        } else {
            StandardOutput.write(line: study.description)
            StandardOutput.write(line: "\nresult  \(folder.relativePath)")
        }
    }

    private func evaluate(_ policy: DiffusionPolicy, _ settings: EvaluationConfiguration) throws -> EvaluationResult {
        let name = "\(settings.control.merging) at \(Int((settings.latency.total * 1000).rounded())) ms"
        let progress = RolloutProgress(name, settings)
        defer { progress.finish() }
        return try PushTTask.evaluator(settings, of: policy.configuration)
            .evaluate(policy, named: name, observers: [progress])
    }
}

extension SimulatedLatency.Part: ExpressibleByArgument {}
