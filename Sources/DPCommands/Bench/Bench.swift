import ArgumentParser
import DPBase
import DPCPU
import DPGraph
import DPPolicy
import DPTraining
import Foundation

/// Measures the speed of training and inference.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the speed of training and inference on this machine.",
        discussion: """
            A training step includes batch assembly, gradients, AdamW and EMA. A network pass precomputes nothing. \
            Encoding computes features from camera images. An action chunk takes all denoising steps, from raw \
            observations to raw actions.

            Examples:
              dpolicy bench --data Demonstrations/pusht.zarr
              dpolicy bench --work training --data Demonstrations/pusht.zarr \\
                --set policy.denoiser.widths=[256,512,1024]
              dpolicy bench --recipe pusht-image-cnn --data Demonstrations/pusht.zarr \\
                --windows 5000
              dpolicy bench --recipe pusht-lowdim-transformer \\
                --data Demonstrations/pusht.zarr
              dpolicy bench --work pass --work chunk --policy Policies/pusht \\
                --sampler ddim --steps 10 --batch 8 --json
              dpolicy bench --work evaluation --policy Policies/pusht --batch 50
              dpolicy bench --profile --work training --data Demonstrations/pusht.zarr
              dpolicy bench --scaling growth --data Demonstrations/pusht.zarr
            """)

    @Option(
        help: "Work to measure; repeatable. Default: training, pass, chunk and, with cameras, encode.")
    var work: [BenchmarkWork] = []

    @OptionGroup var subject: BenchmarkSubject

    @Option(
        parsing: .unconditional,
        help: "Batch size of requests or environments; default: 1. Training uses the batch size of the recipe.")
    var batch: Int?

    @OptionGroup var sampler: SamplerOptions

    @Option(parsing: .unconditional, help: "Number of repetitions; the default depends on the work.")
    var repetitions: Int?

    @Flag(help: "Empty the processor's caches before each pass or chunk.")
    var cold = false

    @Flag(
        help:
            "Show the time of each kind of operation, compared with the measured peak performance of this machine."
    )
    var profile = false

    @Option(help: ArgumentHelp("Measure how time and memory scale, and write tables and plots.", valueName: "dir"))
    var scaling: String?

    @Option(help: ArgumentHelp("Largest size for --scaling.", valueName: "n"))
    var largest: Int?

    @Option(help: ArgumentHelp("Export the measured policy, for measuring other programs with it.", valueName: "dir"))
    var export: String?

    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if scaling != nil, subject.data == nil {
            throw ValidationError("--data: expected demonstrations for --scaling; found none")
        }
        for (name, value) in [
            ("batch", batch), ("repetitions", repetitions), ("steps", sampler.steps), ("largest", largest),
        ] {
            if let value, !(1...1_000_000).contains(value) {
                throw ValidationError("--\(name): expected 1...1000000, found \(value)")
            }
        }
    }

    func run() throws {
        if let export { try PolicyDirectory(URL(fileURLWithPath: export)).write(subject.storedPolicy()) }
        if let scaling { return try study(writingTo: URL(fileURLWithPath: scaling)) }
        let machine =
            work == [.training]
            ? computing.machineForTraining(global) : computing.machine(global, weights: acting.weights)
        if profile {
            let profiles = try profiles(on: machine)
            try present(profiles, text: profiles.map(\.description).joined(separator: "\n\n"))
        } else {
            let report = try measure(on: machine)
            try present(report, text: report.description)
        }
    }

    private func present(_ result: some Encodable, text: String) throws {
        if global.json { try StandardOutput.write(json: result) } else { StandardOutput.write(line: text) }
    }

    /// Returns the requested work, or all work that the subject supports.
    private func works() throws -> [BenchmarkWork] {
        let hasImages = try subject.hasImages()
        if work.contains(.encode), !hasImages {
            throw InputError(
                at: "--work encode", expected: "a policy that observes images", found: "a policy without cameras")
        }
        if !work.isEmpty { return work }
        let encoding: [BenchmarkWork] = hasImages ? [.encode] : []
        return (subject.policy == nil ? [.training] : []) + [.pass] + encoding + [.chunk]
    }

    private func measure(on machine: CPUBackend) throws -> BenchmarkReport {
        let caches = cold ? ColdCaches(threads: machine.threads) : nil
        let batch = batch ?? 1
        lazy var acting = Result { try ActingBenchmark(subject, machine: machine) }
        let measurements = try works().map { work in
            let count = repetitions ?? work.defaultRepetitions
            switch work {
            case .training: return try TrainingBenchmark(subject, machine: machine).measure(repetitions: count)
            case .pass: return try acting.get().pass(batch: batch, repetitions: count, caches: caches)
            case .encode: return try acting.get().encode(batch: batch, repetitions: count, caches: caches)
            case .chunk: return try acting.get().chunk(batch: batch, sampler, repetitions: count, caches: caches)
            case .evaluation: return try acting.get().evaluation(environments: batch, sampler, repetitions: count)
            case .simulator: return try SimulatorBenchmark.measure(repetitions: count)
            }
        }
        return BenchmarkReport(
            subject: subject.name, library: CPUBackend.library, instructions: machine.instructions,
            precision: machine.precision, weights: machine.weights, threads: machine.threads,
            measurements: measurements,
            peakMemory: PeakMemory.mebibytes)
    }

    private func profiles(on machine: CPUBackend) throws -> [CostProfile] {
        let peaks = try MachinePeaks(of: machine)
        return try works().map { work in
            switch work {
            case .training:
                return try CostProfile.training(subject.trainingInput().recipe, machine: machine, peaks: peaks)
            case .pass, .encode, .chunk:
                return try CostProfile.acting(
                    work, subject.storedPolicy(), batch: batch ?? 1, sampler: sampler, machine: machine, peaks: peaks)
            case .evaluation, .simulator:
                throw InputError(
                    at: "--profile", expected: "training, pass, encode or chunk", found: work.rawValue)
            }
        }
    }

    /// Measures scaling in separate processes and writes the report.
    private func study(writingTo folder: URL) throws {
        let machine = computing.machine(global)
        var arguments = ["--recipe", subject.recipe] + subject.overrides.flatMap { ["--set", $0] }
        arguments += ["--data", subject.data ?? "", "--windows", "\(subject.windows ?? 20_000)"]
        arguments += ["--precision", machine.precision.rawValue, "--threads", "\(machine.threads)"]
        let study = ScalingStudy(arguments: arguments, largest: largest, repetitions: repetitions)
        let report = ScalingReport(
            curves: try study.run(),
            heading: """
                Recipe `\(subject.recipe)`, \(machine.precision.rawValue), \(machine.threads) threads; \
                \(ProcessorName.name), \(machine.instructions.rawValue), \(CPUBackend.library); \(Date.now.formatted(.iso8601.year().month().day())).
                """)
        try report.write(to: folder)
        StandardOutput.write(line: folder.appendingPathComponent("scaling.md").relativePath)
    }
}
