import ArgumentParser
import CPUBackend
import Demonstrations
import Foundation
import NoiseSchedules
import Policies
import PolicyInterface
import TensorGraph
import Training

/// Measures how fast this machine learns and acts.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how fast this machine learns and acts.",
        discussion: """
            A training step includes the assembly of its batch, gradients, AdamW and the moving average. A denoising pass is a whole
            chunk of actions divided by its steps, with everything around the network included.

            Examples:
              dpolicy bench --data Demonstrations/pusht.zarr
              dpolicy bench --recipe pusht-lowdim --data Demonstrations/pusht.zarr --threads 1 --json
            """)

    @Option(help: ArgumentHelp("What to train: a recipe's name or file.", valueName: "name|file"))
    var recipe = "pusht-lowdim"

    @Option(help: ArgumentHelp("The demonstrations: a zarr v2 folder or .zarr.zip.", valueName: "path"))
    var data: String

    @Option(parsing: .unconditional, help: "Training steps to measure, after three that warm up.")
    var trainingSteps = 20

    @Option(parsing: .unconditional, help: "Chunks of actions to measure, after three that warm up.")
    var chunks = 50

    @Option(parsing: .unconditional, help: "Denoising steps of a chunk (DDIM).")
    var steps = 10

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        for (name, value) in [("training-steps", trainingSteps), ("chunks", chunks), ("steps", steps)] where value < 1 {
            throw ValidationError("--\(name): expected at least 1, found \(value)")
        }
    }

    /// Milliseconds.
    private struct Result: Encodable {
        let recipe: String
        let library: String
        let instructions: InstructionSet
        let threads: Int
        let parameters: Int
        let batch: Int
        let trainingStep: Timing
        let denoisingPass: Timing

        enum CodingKeys: String, CodingKey {
            case recipe
            case library
            case instructions
            case threads
            case parameters
            case batch
            case trainingStep = "training_step_ms"
            case denoisingPass = "denoising_pass_ms"
        }
    }

    private struct Timing: Encodable {
        let median: Double
        let minimum: Double
        let maximum: Double

        /// The spread of some durations, each shared by a number of parts.
        init(_ durations: [Duration], parts: Int = 1) {
            let milliseconds = durations.map { $0 / .milliseconds(1) / Double(parts) }.sorted()
            median = milliseconds[milliseconds.count / 2]
            minimum = milliseconds[0]
            maximum = milliseconds[milliseconds.count - 1]
        }

        var text: String { String(format: "%8.3f   %8.3f … %.3f", median, minimum, maximum) }
    }

    func run() throws {
        let machine = global.machine
        let trainer = try Trainer(
            recipe: RecipeFile.read(recipe), demonstrations: ReplayBuffer(contentsOf: URL(fileURLWithPath: data)),
            backend: machine)
        let result = Result(
            recipe: trainer.recipe.name, library: CPUMachine.library, instructions: machine.instructions,
            threads: machine.threads,
            parameters: trainer.model.table.parameterCount, batch: trainer.recipe.training.batchSize,
            trainingStep: Timing(try training(trainer)), denoisingPass: Timing(try acting(trainer), parts: steps))
        if global.json {
            try StandardOutput.write(json: result)
        } else {
            StandardOutput.write(
                line: """
                    \(result.recipe): \(result.parameters) parameters, \(result.threads) threads, \(result.library), \
                    \(result.instructions.rawValue)
                                                 median    least … most
                    training step, batch \(result.batch)   \(result.trainingStep.text) ms
                    denoising pass, batch 1  \(result.denoisingPass.text) ms
                    """)
        }
    }

    /// From the end of one update to the end of the next, so that waiting for a batch counts.
    private func training(_ trainer: Trainer) throws -> [Duration] {
        let clock = ContinuousClock()
        var ends: [ContinuousClock.Instant] = []
        for batch in trainer.batches(count: trainingSteps + 3) {
            _ = try trainer.step(batch)
            ends.append(clock.now)
        }
        return zip(ends.dropFirst(2), ends.dropFirst(3)).map { $1 - $0 }
    }

    /// Whole chunks for one robot.
    private func acting(_ trainer: Trainer) throws -> [Duration] {
        let policy = try trainer.policy(sampler: .ddim(steps: steps))
        let observations = [Float](
            repeating: 100, count: policy.horizon.observation * policy.model.observationDimension)
        let clock = ContinuousClock()
        return try (0..<chunks + 3).map { chunk in
            try clock.measure {
                _ = try policy.predict(observations: observations, keys: [RandomKey(seed: UInt64(chunk))])
            }
        }.suffix(chunks)
    }
}
