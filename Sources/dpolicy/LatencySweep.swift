public import ArgumentParser
import CPUBackend
public import Control
import Evaluation
import Foundation
import NoiseSchedules
import Policies

/// Judges a policy at several latencies with several ways of joining chunks.
struct LatencySweep: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "Judge ways to hide latency in Push-T: score and jerk against latency, as tables and plots.",
        discussion: """
            Each way of joining chunks is judged at each latency in simulated time, on the same seeds. Jerk is the mean length of the commands' \
            third differences over time, in pixels per s³, at chunk boundaries and anywhere. The folder that --output names gets latency.json \
            with every result, latency.md with the tables, and the pictures latency-score.svg, latency-jerk.svg and latency-overall-jerk.svg. \
            Without --policy, the one that ships with the project is judged.

            Examples:
              dpolicy latency
              dpolicy latency --policy runs/demo/policy --output runs/demo/latency \\
                --sampler ddim --steps 10
              dpolicy latency --latencies 0 0.2 0.4 --joinings dropping blending:2 \\
                --episodes 20 --seed 200000
              dpolicy latency --of action --latencies 0 0.1 0.2
            """)

    @Option(help: ArgumentHelp("Folder of the policy; the shipped one if not given.", valueName: "dir"))
    var policy: String?

    @Option(parsing: .upToNextOption, help: ArgumentHelp("The latencies to try.", valueName: "seconds"))
    var latencies = [0, 0.1, 0.2, 0.3, 0.5]

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("The ways of joining to try; all if not given: \(ControlOptions.joiningNames)."),
        transform: Joining.init)
    var joinings = Joining.all

    @Option(help: "What is late: observation, computation or action.")
    var of = SimulatedLatency.Part.computation

    @Option(parsing: .unconditional, help: "How many episodes, each with a seed of its own.")
    var episodes = 50

    @Option(parsing: .unconditional, help: "Seed of the first episode.")
    var seed: UInt64 = 100_000

    @OptionGroup var starts: SeedOptions

    @Option(parsing: .unconditional, help: "Seed of the policy's randomness.")
    var samplerSeed: UInt64 = 0

    @Option(help: ArgumentHelp("Folder for the results.", valueName: "dir"))
    var output = "latency"

    @OptionGroup var sampler: SamplerOptions
    @OptionGroup var simulation: TaskOptions
    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard !latencies.isEmpty, !joinings.isEmpty else {
            throw ValidationError("there is nothing to try: name at least one latency and one way of joining")
        }
        try checkingUsage { for settings in combinations { _ = try PushTTask.evaluator(settings) } }
    }

    /// Every latency with every way of joining.
    private var combinations: [EvaluationConfiguration] {
        latencies.flatMap { latency in
            joinings.map { joining in
                EvaluationConfiguration(
                    episodes: episodes, firstSeed: seed, seeding: starts.seeding, samplerSeed: samplerSeed,
                    control: ControlConfiguration(joining: joining), latency: SimulatedLatency(latency, of: of))
            }
        }
    }

    func run() throws {
        try OutputPlace.check(folder: output)
        let chosen = try policy.map(NamedPolicy.init) ?? NamedPolicy.shipped()
        try simulation.check(chosen)
        let policy = try chosen.load(sampler, machine: computing.machine(global, weights: acting.weights))
        try PushTTask.check(policy.configuration)
        let trainingSteps = policy.configuration.diffusion.steps
        let sampler = policy.sampler.summary(trainingSteps: trainingSteps)
        var study = LatencyStudy(policy: "\(chosen.name), \(sampler)\(starts.remark)")
        let folder = URL(fileURLWithPath: output)
        for settings in combinations {
            study.add(try judge(policy, settings))
            // What is known is safe before the next begins.
            try study.write(to: folder)
        }
        if global.json {
            try StandardOutput.write(json: study)
        } else {
            StandardOutput.write(line: study.description)
            StandardOutput.write(line: "\nresult  \(folder.relativePath)")
        }
    }

    private func judge(_ policy: DiffusionPolicy, _ settings: EvaluationConfiguration) throws -> EvaluationResult {
        let name = "\(settings.control.joining) at \(Int((settings.latency.total * 1000).rounded())) ms"
        let progress = RolloutProgress(name, settings)
        defer { progress.finish() }
        return try PushTTask.evaluator(settings, of: policy.configuration)
            .evaluate(policy, named: name, observers: [progress])
    }
}

extension SimulatedLatency.Part: ExpressibleByArgument {}
