import ArgumentParser
import DPBase
import DPDatasets
import DPEvaluation
import DPInterface
import DPPolicy
import DPTraining
import Foundation
import Logging

/// Trains a policy.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a policy on demonstrations.",
        discussion: """
            The run folder receives the resolved recipe (recipe.yaml), one line per training step (metrics.jsonl), \
            checkpoints, the trained policy (policy), a report with curves (report.html) and, for Push-T, a video of \
            rollouts (rollouts.mp4). --resume continues an interrupted or killed run as if it had never stopped. \
            Ctrl-C, SIGTERM and SIGHUP save a checkpoint first; the exit code is then 130, 143 or 129.

            Examples:
              dpolicy train --recipe pusht-demo --data Demonstrations/pusht.zarr \\
                --output runs/demo
              dpolicy train --recipe pusht-lowdim --data data/pusht.zarr --output runs/a \\
                --seed 7 --set training.steps=20000
              dpolicy train --recipe mine.yaml --data robot.zarr.zip --output runs/robot
              dpolicy train --resume --output runs/demo
              dpolicy train --extend 16000 --output runs/demo
            """)

    @Option(help: ArgumentHelp("Name of a shipped recipe, or a YAML file.", valueName: "name|file"))
    var recipe: String?

    @Option(
        help: ArgumentHelp(
            "Dataset: a zarr v2 folder or .zarr.zip; default when resuming: the dataset of the run.",
            valueName: "path"))
    var data: String?

    @Option(help: ArgumentHelp("Run folder.", valueName: "dir"))
    var output: String

    @Option(parsing: .unconditional, help: "Seed of all randomness; default: the recipe's.")
    var seed: UInt64?

    @Option(name: .customLong("set"), help: ArgumentHelp("Override a setting of the recipe.", valueName: "key=value"))
    var overrides: [String] = []

    @Flag(help: "Resume the run in the folder; start one if there is none.")
    var resume = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Resume the run with a larger total number of training steps. From there on, the learning rate follows the \
            schedule of that length, so it rises again after a cosine that had decayed to 0.
            """, valueName: "steps"))
    var extend: Int?

    @Flag(help: "Treat warnings about the recipe or the dataset, such as episodes that are too short, as errors.")
    var strict = false

    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard data != nil || resume || extend != nil else {
            throw ValidationError("--data: expected demonstrations, found none")
        }
        if let extend, extend < 1 { throw ValidationError("--extend: expected at least 1 step, found \(extend)") }
        guard recipe != nil || resume || extend != nil else {
            throw ValidationError(
                "--recipe: expected a recipe, or --resume to use the recipe of the run; found neither")
        }
    }

    func run() throws {
        let recipe = try resolvedRecipe()
        let warnings = WarningRecord()
        let logger = strict ? warnings.logger : .messages
        try recipe.policy.diffusion.warn(of: recipe.policy.sampler, logger)
        try OutputPath.check(folder: output)
        let place = try demonstrationsPlace(recipe)
        let demonstrations = try PushTTask.demonstrations(
            at: place, for: recipe.policy, task: recipe.task, logger: logger)
        if let warning = warnings.first { throw TrainingError.warning(warning) }
        let run = try TrainingRun(
            directory: URL(fileURLWithPath: output), recipe: recipe, demonstrations: demonstrations,
            dataPath: place.standardizedFileURL.path, seed: seed, isResumed: resume || extend != nil,
            extendingTo: extend, isStrict: strict, backend: computing.machineForTraining(global), logger: .messages)
        let interruption = Interruption(at: [SIGINT, SIGTERM, SIGHUP])
        let rollouts = TrainingRollouts(of: run.trainer.recipe, interruption: interruption)

        let progress = TrainingProgress(run.trainer.recipe)
        let outcome = try run.run(
            rollout: rollouts?.evaluate, progress: progress.show, shouldStop: { interruption.isRequested })
        progress.finish()
        let result = outcome == .finished ? rollouts?.recordVideo(of: run) : nil
        if outcome == .finished, !run.trainer.recipe.policy.observations.images.isEmpty {
            try KeypointFrames(policy: run.trainer.policy(), demonstrations: demonstrations)
                .write(to: RunReport(run.directory).keypoints)
        }
        try RunReport(run.directory).write(result)
        try tell(outcome, of: run, progress.last, result)
        if let interrupted = interruption.request { throw interrupted }
    }

    /// Returns the location of the dataset: the argument, or else the location that the run stored.
    private func demonstrationsPlace(_ recipe: Recipe) throws -> URL {
        if let data { return URL(fileURLWithPath: data) }
        let run = RunDirectory(URL(fileURLWithPath: output))
        guard let before = run.dataPath else {
            try run.checkNothingIsLost(firstCheckpoint: recipe.training.checkpointInterval)
            throw InputError(
                at: output, expected: "a checkpoint with the path of the demonstrations", found: "none",
                hint: "pass the path with --data")
        }
        guard try PathKind(at: before) != nil else {
            throw InputError(
                at: output, expected: "the demonstrations of the run at \(before)", found: "nothing there",
                hint: "pass their new path with --data")
        }
        return URL(fileURLWithPath: before)
    }

    /// Returns the recipe given by the arguments; an invalid name or override is a usage error.
    private func resolvedRecipe() throws -> Recipe {
        let run = RunDirectory(URL(fileURLWithPath: output))
        guard recipe != nil || FileManager.default.fileExists(atPath: run.recipe.path) else {
            throw InputError(
                at: run.url.path, expected: "a run to resume", found: "no \(run.recipe.lastPathComponent)",
                hint: "pass --recipe to start one")
        }
        do {
            let recipe =
                try recipe.map { try RecipeFile.read($0, overrides: overrides) }
                ?? RecipeFile.read(contentsOf: run.recipe, overrides: overrides, isStored: true)
            try TrainingRollouts.check(recipe)
            return recipe
        } catch let error as InputError where error.place == "recipe" || error.place?.hasPrefix("--set") == true {
            throw ValidationError("\(error)")
        }
    }

    /// The output of `--json`.
    private struct Summary: Encodable {
        let finished: Bool
        let step: Int
        let loss: Double?
        let validationLoss: Double?
        let elapsedSeconds: Double?
        let score: Double?
        let successRate: Double?
        let policy: String
        let report: String

        enum CodingKeys: String, CodingKey {
            case finished
            case step
            case loss
            case validationLoss = "validation_loss"
            case elapsedSeconds = "elapsed_seconds"
            case score
            case successRate = "success_rate"
            case policy
            case report
        }
    }

    private func tell(
        _ outcome: TrainingRun.Outcome, of run: TrainingRun, _ last: MetricsRow?, _ result: EvaluationResult?
    ) throws {
        let files = run.directory
        if global.json {
            try StandardOutput.write(
                json: Summary(
                    finished: outcome == .finished, step: run.trainer.step, loss: last?.loss,
                    validationLoss: last?.validationLoss, elapsedSeconds: last?.elapsedSeconds, score: result?.score,
                    successRate: result?.successRate, policy: files.policy.path, report: files.report.path))
            return
        }
        if case .stopped(let step) = outcome {
            StandardOutput.write(line: "stopped after step \(step); run the same command with --resume to continue")
        }
        StandardOutput.write(line: "policy  \(files.policy.path)")
        StandardOutput.write(line: "report  \(files.report.path)")
    }
}

/// Shows the progress of training.
private final class TrainingProgress {
    private let line = ProgressLine()
    private let steps: Int
    /// The metrics of the last training step shown.
    private(set) var last: MetricsRow?
    private var meanLoss: Double?
    private var firstStep = 0
    private var firstSeconds = 0.0

    init(_ recipe: Recipe) { steps = recipe.training.steps }

    func show(_ row: MetricsRow) {
        if last == nil { (firstStep, firstSeconds) = (row.step, row.elapsedSeconds) }
        last = row
        // Smooth the loss over about fifty training steps to keep it readable.
        meanLoss = meanLoss.map { $0 + 0.02 * (row.loss - $0) } ?? row.loss
        line.show(Double(row.step) / Double(steps), text(row))
    }

    private func text(_ row: MetricsRow) -> String {
        let text = "step \(row.step) of \(steps)  " + String(format: "loss %.4f", meanLoss ?? row.loss)
        guard row.step > firstStep else { return text }
        let seconds = max(row.elapsedSeconds - firstSeconds, 1e-9)
        return text + String(format: "  %.1f steps/s", Double(row.step - firstStep) / seconds)
    }

    func finish() { line.finish() }
}
