import ArgumentParser
import DPBase
import DPCPU
import DPDatasets
import DPEvaluation
import DPGraph
import DPInterface
import DPPolicy
import DPServing
import DPTraining
import Foundation

/// Evaluates a policy, or compares two.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Evaluate a policy in Push-T: score, success rate, latency, video.",
        discussion: """
            The score is the mean over episodes of the best reward, with its 95 % interval. Without --policy, the \
            shipped policy is evaluated.

            The result is written as JSON to the --output file. By default, the result of a policy inside a run goes \
            to evaluation.json in that run and into its report; the result of any other policy goes to \
            evaluation.json next to the --video, or in the working directory. The policy folder is never modified. A \
            comparison adds the second result, and whether the difference is significant.

            Compare scores only if the start states are the same. By default, NumPy's legacy generator draws the start \
            states, as for published scores. gym-pusht uses another generator since version 0.1.6; select it with \
            --seeds gym-pusht.

            With --server, a lost connection is retried for up to 10 s. If that fails, the finished episodes are kept \
            and marked as incomplete, and the exit code is 1. Successful episodes finish first, so the score of an \
            incomplete result is too high.

            The policy names its task. A policy that names none requires --task.

            With a latency, the simulated world advances while the policy computes; dpolicy latency compares ways to \
            hide the latency.

            Examples:
              dpolicy evaluate
              dpolicy evaluate --policy runs/demo/policy --video rollouts.mp4
              dpolicy evaluate --policy runs/demo/policy --sampler ddim --steps 10 \\
                --compare-sampler ddpm
              dpolicy evaluate --policy runs/a/policy --compare runs/b/policy --json
              dpolicy evaluate --episodes 200 --seed 200000 --precision bfloat16 \\
                --compare-precision float32
              dpolicy evaluate --seeds gym-pusht
              dpolicy evaluate --latency 0.3 --merging linear-blend:2
              dpolicy evaluate --server ws://127.0.0.1:8000
            """)

    @Option(help: ArgumentHelp("Policy folder; default: the shipped policy.", valueName: "dir"))
    var policy: String?

    @OptionGroup var remote: RemoteOptions

    @Option(parsing: .unconditional, help: "Number of episodes, each with its own seed.")
    var episodes = EvaluationConfiguration.testSeeds.count

    @Option(parsing: .unconditional, help: "Seed of the first episode.")
    var seed = EvaluationConfiguration.testSeeds.lowerBound

    @OptionGroup var starts: SeedOptions
    @OptionGroup var sampler: SamplerOptions

    @Option(parsing: .unconditional, help: "Seed of the sampling noise.")
    var samplerSeed: UInt64 = 0

    @Option(help: ArgumentHelp("Record a video of the rollouts to this mp4 file.", valueName: "file"))
    var video: String?

    @Option(
        help: ArgumentHelp("Write the result as JSON to this file; default: evaluation.json.", valueName: "file"))
    var output: String?

    @Option(help: ArgumentHelp("Also evaluate this policy on the same seeds, and compare.", valueName: "dir"))
    var compare: String?

    @Option(help: "Also evaluate with this sampler on the same seeds, and compare: ddpm or ddim.")
    var compareSampler: Sampler.Name?

    @Option(parsing: .unconditional, help: "Denoising steps of the compared sampler.")
    var compareSteps: Int?

    @Option(help: "Timestep spacing of the compared sampler: trailing, linspace or leading.")
    var compareSpacing: Sampler.Spacing?

    @Option(help: "Also evaluate in this precision on the same seeds, and compare: float32 or bfloat16.")
    var comparePrecision: Precision?

    @Option(help: "Also evaluate with this weight format on the same seeds, and compare: native or int8.")
    var compareWeights: WeightFormat?

    @OptionGroup var control: ControlOptions
    @OptionGroup var simulation: TaskOptions
    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    private var settings: EvaluationConfiguration {
        EvaluationConfiguration(
            episodes: episodes, firstSeed: seed, seeding: starts.seeding, samplerSeed: samplerSeed,
            control: control.control, latency: control.simulatedLatency)
    }

    /// The first given option that requires a local policy, if any.
    private var ownPolicyOption: String? {
        let given = [
            ("--policy", policy != nil), ("--sampler", sampler.sampler != nil), ("--steps", sampler.steps != nil),
            ("--spacing", sampler.spacing != nil),
            ("--precision", computing.precision != nil), ("--weights", acting.weights != .native),
            ("--compare", compare != nil), ("--compare-sampler", compareSampler != nil),
            ("--compare-steps", compareSteps != nil), ("--compare-spacing", compareSpacing != nil),
            ("--compare-precision", comparePrecision != nil),
            ("--compare-weights", compareWeights != nil),
        ]
        return given.first { $0.1 }?.0
    }

    private var isComparison: Bool {
        compare != nil || comparesSamplers || comparesMachines
    }
    /// Whether the second policy uses another sampler.
    private var comparesSamplers: Bool { compareSampler != nil || compareSteps != nil || compareSpacing != nil }
    /// Whether the second policy uses another precision or weight format.
    private var comparesMachines: Bool { comparePrecision != nil || compareWeights != nil }

    func validate() throws {
        try computing.check(comparePrecision, option: "--compare-precision")
        _ = try checkingUsage { try PushTTask.evaluator(settings) }
        if remote.server != nil, let other = ownPolicyOption {
            throw ValidationError("--server: expected no option of a local policy, found \(other)")
        }
    }

    func run() throws {
        for path in [output, video].compactMap({ $0 }) { try OutputPath.check(file: path) }
        if let client = try remote.client() { return try evaluate(client) }
        let machine = computing.machine(global, weights: acting.weights)
        let chosen = try policy.map(NamedPolicy.init) ?? NamedPolicy.shipped()
        try simulation.check(chosen)
        try OutputPath.check(file: resultFile(in: chosen.run).path)
        let first = try chosen.load(sampler, machine: machine)
        let otherMachine =
            comparesMachines
            ? computing.machine(global, precision: comparePrecision, weights: compareWeights ?? acting.weights)
            : machine
        let second = try isComparison ? other(than: chosen, machine: otherMachine) : nil
        for policy in [first, second?.policy].compactMap({ $0 }) { try PushTTask.check(policy.configuration) }
        let name = named(chosen, first, on: machine)
        let result = try evaluate(first, name, recording: video)
        let file = resultFile(in: chosen.run)
        guard let second else {
            try present(result, text: "\(ResultTable([result]))", file: file)
            try keep(result, of: chosen, in: file)
            return
        }
        // Save the first result before the second evaluation.
        try keep(result, of: chosen, in: file)
        let secondResult = try evaluate(
            second.policy, named(second.named, second.policy, on: otherMachine), recording: nil)
        let comparison = try ComparedResults(result, secondResult)
        try present(comparison, text: comparison.description, file: file)
        try AtomicFile.write(JSONEncoder.legible.encode(comparison), to: file)
    }

    /// Evaluates the policy of a server.
    private func evaluate(_ client: PolicyClient) throws {
        let (observations, name) = (client.metadata.observations, client.metadata.name)
        try simulation.check(client.metadata.task.flatMap(PolicyTask.init), of: "the policy \(name) of the server")
        try PushTTask.check(observations, actionDimension: client.metadata.actionDimension)
        let file = resultFile(in: nil)
        func keep(_ result: EvaluationResult) throws {
            try present(result, text: "\(ResultTable([result]))", file: file)
            try result.write(to: file)
        }
        do {
            let evaluator = try PushTTask.evaluator(settings, seeing: observations)
            try keep(evaluate(client, "\(name) at \(client.address)\(late)", evaluator, recording: video))
        } catch let error as IncompleteEvaluation {
            // Keep the finished episodes although the server is lost.
            try keep(error.result)
            throw error
        }
    }

    /// The file of the result.
    private func resultFile(in run: RunDirectory?) -> URL {
        if let output { return URL(fileURLWithPath: output) }
        if let run { return RunReport(run).evaluation }
        let folder = video.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        return folder?.appendingPathComponent("evaluation.json") ?? URL(fileURLWithPath: "evaluation.json")
    }

    /// Loads the second policy: another one, or the same with another sampler, precision or weight format.
    private func other(
        than chosen: NamedPolicy, machine: CPUBackend
    ) throws -> (named: NamedPolicy, policy: DiffusionPolicy) {
        let named = compare.map(NamedPolicy.init) ?? chosen
        try simulation.check(named)
        let configuration = try PolicyDirectory(named.url).document().configuration
        // Use the same sampler unless an option changes it.
        var own = configuration.sampler
        if !comparesSamplers { own = try sampler.choice(for: configuration) }
        let choice = try own.changed(
            to: compareSampler, steps: compareSteps, spacing: compareSpacing, of: configuration.diffusion.steps)
        return (named, try named.load(sampler: choice, machine: machine))
    }

    /// A suffix for the policy's name: seeding, latency and merging method.
    private var late: String { starts.remark + (control.summary.map { ", \($0)" } ?? "") }

    private func named(_ named: NamedPolicy, _ policy: DiffusionPolicy, on machine: CPUBackend) -> String {
        let sampler = policy.sampler.summary(trainingSteps: policy.configuration.diffusion.steps)
        let weights = machine.weights == .native ? "" : ", weights in \(machine.weights)"
        return "\(named.name), \(sampler)\(late)" + (comparesMachines ? ", \(machine.precision)\(weights)" : "")
    }

    private func evaluate(_ policy: DiffusionPolicy, _ name: String, recording video: String?) throws
        -> EvaluationResult
    {
        try evaluate(policy, name, PushTTask.evaluator(settings, of: policy.configuration), recording: video)
    }

    private func evaluate(
        _ policy: any ChunkingPolicy, _ name: String, _ evaluator: Evaluator, recording video: String?
    ) throws -> EvaluationResult {
        // A signal must remove the unfinished video.
        let interruption = Interruption("stopping", at: [SIGINT, SIGTERM, SIGHUP])
        let progress = RolloutProgress(name, settings, interruption: interruption)
        defer { progress.finish() }
        let recorder = video.map { MosaicRecorder(file: URL(fileURLWithPath: $0)) }
        let observers: [any RolloutObserver] = [progress] + [recorder].compactMap { $0 }
        let result = try evaluator.evaluate(policy, named: name, observers: observers)
        try recorder?.finish()
        return result
    }

    /// Writes the result; for a policy inside a run, also updates the report.
    private func keep(_ result: EvaluationResult, of policy: NamedPolicy, in file: URL) throws {
        try result.write(to: file)
        guard let run = policy.run, output == nil else { return }
        try RunReport(run).write(result, recording: video.map { URL(fileURLWithPath: $0) })
    }

    private func present(_ result: some Encodable, text: String, file: URL) throws {
        if global.json {
            try StandardOutput.write(json: result)
        } else {
            StandardOutput.write(line: text)
            StandardOutput.write(line: "result  \(file.relativePath)")
        }
    }
}
