import ArgumentParser
import CPUBackend
import Evaluation
import Foundation
import NoiseSchedules
import Policies
import PolicyInterface
import PolicyMessages
import RemotePolicies
import TensorFiles
import TensorGraph
import Training

/// Judges a policy, or two of them side by side.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Judge a policy in Push-T: score, success rate, latency, video.",
        discussion: """
            The score is the mean over episodes of the best reward, with its 95 % interval. Without --policy, the one that ships with \
            the project is judged.

            The result is written as JSON to the file that --output names. If none is named, that of a policy inside of a run goes to \
            evaluation.json of that run, whose report then shows it; that of any other policy to evaluation.json beside the --video, \
            or in the working directory. A policy's own folder is never written to. A comparison adds the second result and the verdict.

            Scores can be compared where the starts are the same. Those of published scores are drawn by NumPy's legacy generator, as here \
            without --seeds; gym-pusht draws others since its version 0.1.6, those of --seeds gym-pusht.

            The policy of a --server is asked again for some seconds when the connection is lost. If that does not help, the episodes that have ended are \
            kept and marked as incomplete, and the exit code is 1; episodes that succeed end first, so such a score is too high.

            The task is the one that the policy names; one that names none is judged only with --task.

            With a latency, the simulated world moves on while the policy computes; dpolicy latency compares ways to hide that.

            Examples:
              dpolicy evaluate
              dpolicy evaluate --policy runs/demo/policy --video rollouts.mp4
              dpolicy evaluate --policy runs/demo/policy --sampler ddim --steps 10 \\
                --compare-sampler ddpm
              dpolicy evaluate --policy runs/a/policy --compare runs/b/policy --json
              dpolicy evaluate --episodes 200 --seed 200000 --precision bfloat16 \\
                --compare-precision float32
              dpolicy evaluate --seeds gym-pusht
              dpolicy evaluate --latency 0.3 --joining blending:2
              dpolicy evaluate --server ws://127.0.0.1:8000
            """)

    @Option(help: ArgumentHelp("Folder of the policy; the shipped one if not given.", valueName: "dir"))
    var policy: String?

    @OptionGroup var remote: RemoteOptions

    @Option(parsing: .unconditional, help: "How many episodes, each with a seed of its own.")
    var episodes = 50

    @Option(parsing: .unconditional, help: "Seed of the first episode.")
    var seed: UInt64 = 100_000

    @OptionGroup var starts: SeedOptions
    @OptionGroup var sampler: SamplerOptions

    @Option(parsing: .unconditional, help: "Seed of the policy's randomness.")
    var samplerSeed: UInt64 = 0

    @Option(help: ArgumentHelp("Film the rollouts, as an mp4 file.", valueName: "file"))
    var video: String?

    @Option(
        help: ArgumentHelp("Write the result as JSON to this file; evaluation.json if not given.", valueName: "file"))
    var output: String?

    @Option(help: ArgumentHelp("Judge this policy too, on the same seeds, and compare.", valueName: "dir"))
    var compare: String?

    @Option(help: "Judge this sampler too, on the same seeds, and compare: ddpm or ddim.")
    var compareSampler: Sampler.Name?

    @Option(parsing: .unconditional, help: "Denoising steps of the sampler that is compared.")
    var compareSteps: Int?

    @Option(help: "Which steps the sampler that is compared visits: trailing, linspace or leading.")
    var compareSpacing: Sampler.Spacing?

    @Option(help: "Judge the same in this precision too, on the same seeds, and compare: float32 or bfloat16.")
    var comparePrecision: Precision?

    @Option(help: "Judge the same with weights kept so too, on the same seeds, and compare: native or int8.")
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

    /// An option that only makes sense for a policy in this process, if one is given.
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
    /// Whether the second policy samples otherwise than the first.
    private var comparesSamplers: Bool { compareSampler != nil || compareSteps != nil || compareSpacing != nil }
    /// Whether the second policy computes otherwise than the first.
    private var comparesMachines: Bool { comparePrecision != nil || compareWeights != nil }

    func validate() throws {
        try computing.check(comparePrecision, option: "--compare-precision")
        _ = try checkingUsage { try PushTTask.evaluator(settings) }
        if remote.server != nil, let other = ownPolicyOption {
            throw ValidationError("--server: expected its own policy, sampler and machine alone, found \(other)")
        }
    }

    func run() throws {
        for path in [output, video].compactMap({ $0 }) { try OutputPlace.check(file: path) }
        if let client = try remote.client() { return try judge(client) }
        let machine = computing.machine(global, weights: acting.weights)
        let chosen = try policy.map(NamedPolicy.init) ?? NamedPolicy.shipped()
        try simulation.check(chosen)
        try OutputPlace.check(file: resultFile(in: chosen.run).path)
        let first = try chosen.load(sampler, machine: machine)
        let otherMachine =
            comparesMachines
            ? computing.machine(global, precision: comparePrecision, weights: compareWeights ?? acting.weights)
            : machine
        let second = try isComparison ? other(than: chosen, machine: otherMachine) : nil
        for policy in [first, second?.policy].compactMap({ $0 }) { try PushTTask.check(policy.configuration) }
        let name = named(chosen, first, on: machine)
        let result = try judge(first, name, filming: video)
        let file = resultFile(in: chosen.run)
        guard let second else {
            try present(result, text: "\(ResultTable([result]))", file: file)
            try keep(result, of: chosen, in: file)
            return
        }
        // What is known is safe before the second begins.
        try keep(result, of: chosen, in: file)
        let secondResult = try judge(second.policy, named(second.named, second.policy, on: otherMachine), filming: nil)
        let comparison = try ComparedResults(result, secondResult)
        try present(comparison, text: comparison.description, file: file)
        try AtomicFile.write(JSONEncoder.legible.encode(comparison), to: file)
    }

    /// Judges the policy of a server.
    private func judge(_ client: PolicyClient) throws {
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
            try keep(judge(client, "\(name) at \(client.address)\(late)", evaluator, filming: video))
        } catch let error as IncompleteEvaluation {
            // What is known is not lost with the server.
            try keep(error.result)
            throw error
        }
    }

    /// Where the result is written.
    private func resultFile(in run: RunDirectory?) -> URL {
        if let output { return URL(fileURLWithPath: output) }
        if let run { return RunReport(run).evaluation }
        let folder = video.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        return folder?.appendingPathComponent("evaluation.json") ?? URL(fileURLWithPath: "evaluation.json")
    }

    /// The policy to compare with: another one, or the same with another sampler or on another machine.
    private func other(
        than chosen: NamedPolicy, machine: CPUMachine
    ) throws -> (named: NamedPolicy, policy: DiffusionPolicy) {
        let named = compare.map(NamedPolicy.init) ?? chosen
        try simulation.check(named)
        let configuration = try PolicyDirectory(named.url).document().configuration
        // The same sampler, unless it is told otherwise.
        var own = configuration.sampler
        if !comparesSamplers { own = try sampler.choice(for: configuration) }
        let choice = try own.changed(
            to: compareSampler, steps: compareSteps, spacing: compareSpacing, of: configuration.diffusion.steps)
        return (named, try named.load(sampler: choice, machine: machine))
    }

    /// Whose starts they are, what is late and how that is hidden, behind a policy's name.
    private var late: String { starts.remark + (control.summary.map { ", \($0)" } ?? "") }

    private func named(_ named: NamedPolicy, _ policy: DiffusionPolicy, on machine: CPUMachine) -> String {
        let sampler = policy.sampler.summary(trainingSteps: policy.configuration.diffusion.steps)
        let weights = machine.weights == .native ? "" : ", weights in \(machine.weights)"
        return "\(named.name), \(sampler)\(late)" + (comparesMachines ? ", \(machine.precision)\(weights)" : "")
    }

    private func judge(_ policy: DiffusionPolicy, _ name: String, filming video: String?) throws -> EvaluationResult {
        try judge(policy, name, PushTTask.evaluator(settings, of: policy.configuration), filming: video)
    }

    private func judge(
        _ policy: any ChunkingPolicy, _ name: String, _ evaluator: Evaluator, filming video: String?
    ) throws -> EvaluationResult {
        // So that a film that is not finished is removed.
        let interruption = Interruption("leaving", at: [SIGINT, SIGTERM, SIGHUP])
        let progress = RolloutProgress(name, settings, interruption: interruption)
        defer { progress.finish() }
        let recorder = video.map { MosaicRecorder(file: URL(fileURLWithPath: $0)) }
        let observers: [any RolloutObserver] = [progress] + [recorder].compactMap { $0 }
        let result = try evaluator.evaluate(policy, named: name, observers: observers)
        try recorder?.finish()
        return result
    }

    /// Writes the result; in a run, the report shows it too.
    private func keep(_ result: EvaluationResult, of policy: NamedPolicy, in file: URL) throws {
        try result.write(to: file)
        guard let run = policy.run, output == nil else { return }
        try RunReport(run).write(result, film: video.map { URL(fileURLWithPath: $0) })
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
