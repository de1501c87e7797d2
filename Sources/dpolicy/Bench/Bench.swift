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
            everything anew; a chunk of actions is what a robot waits for: all denoising steps, from raw observations to raw actions.

            Examples:
              dpolicy bench --data Demonstrations/pusht.zarr
              dpolicy bench --work training --data Demonstrations/pusht.zarr --set policy.denoiser.widths=[256,512,1024]
              dpolicy bench --work pass --work chunk --policy Policies/pusht --sampler ddim --steps 10 --batch 8 --json
              dpolicy bench --work evaluation --policy Policies/pusht --batch 50
            """)

    @Option(help: "What to measure, as often as wanted; training, pass and chunk if not given.")
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

    @Option(help: ArgumentHelp("Write the policy that is measured, for others to be measured with.", valueName: "dir"))
    var export: String?

    @OptionGroup var acting: ActingOptions
    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        for (name, value) in [("batch", batch), ("repetitions", repetitions), ("steps", sampler.steps)] {
            if let value, !(1...1_000_000).contains(value) {
                throw ValidationError("--\(name): expected 1...1000000, found \(value)")
            }
        }
    }

    func run() throws {
        if let export { try PolicyDirectory(URL(fileURLWithPath: export)).write(subject.actor()) }
        let report = try measure(on: computing.machine(global, weights: acting.weights))
        if global.json {
            try StandardOutput.write(json: report)
        } else {
            StandardOutput.write(line: report.description)
        }
    }

    private func measure(on machine: CPUMachine) throws -> BenchmarkReport {
        let works: [BenchmarkWork] =
            work.isEmpty ? (subject.policy == nil ? [.training, .pass, .chunk] : [.pass, .chunk]) : work
        let caches = cold ? ColdCaches(threads: machine.threads) : nil
        let batch = batch ?? 1
        lazy var acting = Result { try ActingBenchmark(subject, machine: machine) }
        let measurements = try works.map { work in
            let count = repetitions ?? work.defaultRepetitions
            switch work {
            case .training: return try TrainingBenchmark(subject, machine: machine).measure(repetitions: count)
            case .pass: return try acting.get().pass(batch: batch, repetitions: count, caches: caches)
            case .chunk: return try acting.get().chunk(batch: batch, sampler, repetitions: count, caches: caches)
            case .evaluation: return try acting.get().evaluation(environments: batch, sampler, repetitions: count)
            case .simulator: return try SimulatorBenchmark.measure(repetitions: count)
            }
        }
        return BenchmarkReport(
            subject: subject.name, library: CPUMachine.library, instructions: machine.instructions,
            precision: machine.precision.rawValue, threads: machine.threads,
            measurements: measurements, peakMemory: PeakMemory.mebibytes)
    }
}
