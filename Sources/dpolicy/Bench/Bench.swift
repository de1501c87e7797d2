import ArgumentParser
import CPUBackend
import Foundation
import Policies
import TensorGraph

/// Measures how fast this machine learns and acts.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how fast this machine learns and acts.",
        discussion: """
            A training step includes the assembly of its batch, gradients, AdamW and the moving average. A network pass computes \
            everything anew; encoding makes features of camera images; a chunk of actions is what a robot waits for: all denoising steps, from raw observations to raw actions.

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
        help: "What to measure, as often as wanted; training, pass, chunk and, with cameras, encode if not given.")
    var work: [BenchmarkWork] = []

    @OptionGroup var subject: BenchmarkSubject

    @Option(
        parsing: .unconditional,
        help: "Requests or environments at once, 1 if not given; a training step's windows are the recipe's to say.")
    var batch: Int?

    @OptionGroup var sampler: SamplerOptions

    @Option(parsing: .unconditional, help: "How often to repeat the work; depends on the work if not given.")
    var repetitions: Int?

    @Flag(help: "Empty the processor's caches before each pass or chunk.")
    var cold = false

    @Flag(
        help:
            "Tell where the time goes, kind of operation by kind of operation, as a share of what this machine could do."
    )
    var profile = false

    @Option(help: ArgumentHelp("Measure how time and memory grow, and write tables and pictures.", valueName: "dir"))
    var scaling: String?

    @Option(help: ArgumentHelp("Leave sizes above this out of --scaling.", valueName: "n"))
    var largest: Int?

    @Option(help: ArgumentHelp("Write the policy that is measured, for others to be measured with.", valueName: "dir"))
    var export: String?

    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if scaling != nil, subject.data == nil {
            throw ValidationError("--data: expected demonstrations, which --scaling multiplies; found none")
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
        if let export { try PolicyDirectory(URL(fileURLWithPath: export)).write(subject.actor()) }
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

    /// What was asked for, or else all that the subject can do.
    private func works() throws -> [BenchmarkWork] {
        let seesImages = try subject.seesImages()
        if work.contains(.encode), !seesImages {
            throw CommandError(place: "--work encode", expected: "a policy that sees images", found: "only numbers")
        }
        if !work.isEmpty { return work }
        let encoding: [BenchmarkWork] = seesImages ? [.encode] : []
        return (subject.policy == nil ? [.training] : []) + [.pass] + encoding + [.chunk]
    }

    private func measure(on machine: CPUMachine) throws -> BenchmarkReport {
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
            subject: subject.name, library: CPUMachine.library, instructions: machine.instructions,
            precision: machine.precision, weights: machine.weights, threads: machine.threads,
            measurements: measurements,
            peakMemory: PeakMemory.mebibytes)
    }

    private func profiles(on machine: CPUMachine) throws -> [CostProfile] {
        let peaks = try MachinePeaks(of: machine)
        return try works().map { work in
            switch work {
            case .training:
                return try CostProfile.training(subject.trainee().recipe, machine: machine, peaks: peaks)
            case .pass, .encode, .chunk:
                return try CostProfile.acting(
                    work, subject.actor(), batch: batch ?? 1, sampler: sampler, machine: machine, peaks: peaks)
            case .evaluation, .simulator:
                throw CommandError(
                    place: "--profile", expected: "training, pass, encode or chunk", found: work.rawValue)
            }
        }
    }

    /// Measures growth in processes of its own and writes what came of it.
    private func study(writingTo folder: URL) throws {
        let machine = computing.machine(global)
        var arguments = ["--recipe", subject.recipe] + subject.overrides.flatMap { ["--set", $0] }
        arguments += ["--data", subject.data ?? "", "--windows", "\(subject.windows ?? 20_000)"]
        arguments += ["--precision", machine.precision.rawValue, "--threads", "\(machine.threads)"]
        let study = ScalingStudy(arguments: arguments, largest: largest, repetitions: repetitions)
        let report = ScalingReport(
            curves: try study.run(),
            heading: """
                Recipe `\(subject.recipe)`, \(machine.precision.rawValue), \(machine.threads) threads; \(Processor.name), \
                \(machine.instructions.rawValue), \(CPUMachine.library); \(Date.now.formatted(.iso8601.year().month().day())).
                """)
        try report.write(to: folder)
        StandardOutput.write(line: folder.appendingPathComponent("scaling.md").relativePath)
    }
}
