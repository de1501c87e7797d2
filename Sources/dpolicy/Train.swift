import ArgumentParser
import Demonstrations
import Evaluation
import Foundation
import Logging
import Policies
import PolicyInterface
import TensorFiles
import Training

/// Trains a policy.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a policy on demonstrations.",
        discussion: """
            The run's folder receives the resolved recipe (recipe.yaml), a line for each update (metrics.jsonl), checkpoints, the trained \
            policy (policy), a page with curves (report.html) and, for Push-T, a film of rollouts (rollouts.mp4). An interrupted run, \
            by Ctrl-C or by force, goes on with --resume as if it had never stopped. Ctrl-C, SIGTERM and SIGHUP save first; the exit code is then \
            130, 143 or 129.

            Examples:
              dpolicy train --recipe pusht-demo --data Demonstrations/pusht.zarr \\
                --output runs/demo
              dpolicy train --recipe pusht-lowdim --data data/pusht.zarr --output runs/a \\
                --seed 7 --set training.steps=20000
              dpolicy train --recipe mine.yaml --data robot.zarr.zip --output runs/robot
              dpolicy train --resume --output runs/demo
              dpolicy train --extend 16000 --output runs/demo
            """)

    @Option(help: ArgumentHelp("A recipe that ships with the project, or a YAML file.", valueName: "name|file"))
    var recipe: String?

    @Option(
        help: ArgumentHelp(
            "The demonstrations: a zarr v2 folder or .zarr.zip; when a run goes on, those that it began with if not given.",
            valueName: "path"))
    var data: String?

    @Option(help: ArgumentHelp("The run's folder.", valueName: "dir"))
    var output: String

    @Option(parsing: .unconditional, help: "Root of all randomness; the recipe's if not given.")
    var seed: UInt64?

    @Option(name: .customLong("set"), help: ArgumentHelp("Replace a field of the recipe.", valueName: "key=value"))
    var overrides: [String] = []

    @Flag(help: "Go on with the run in the folder; begin one if there is none.")
    var resume = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Go on to so many updates in all, more than were planned; from there on the learning rate is that of a training of this length, so \
            after a cosine that had come to 0 it rises again.
            """, valueName: "steps"))
    var extend: Int?

    @Flag(help: "Take a warning about the recipe or the demonstrations, such as of episodes too short, for an error.")
    var strict = false

    @OptionGroup var computing: MachineOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard data != nil || resume || extend != nil else {
            throw ValidationError("--data: expected demonstrations, found none")
        }
        if let extend, extend < 1 { throw ValidationError("--extend: expected 1 update or more, found \(extend)") }
        guard recipe != nil || resume || extend != nil else {
            throw ValidationError(
                "--recipe: expected a recipe, or --resume to go on with the one of the run; found neither")
        }
    }

    func run() throws {
        let recipe = try resolvedRecipe()
        let warnings = WarningRecord()
        let logger = strict ? warnings.logger : .messages
        try recipe.policy.diffusion.warn(of: recipe.policy.sampler, logger)
        try OutputPlace.check(folder: output)
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
            rollout: rollouts?.judge, progress: progress.show, shouldStop: { interruption.isRequested })
        progress.finish()
        let film = outcome == .finished ? rollouts?.film(run) : nil
        if outcome == .finished, !run.trainer.recipe.policy.observations.images.isEmpty {
            try KeypointFrames(policy: run.trainer.policy(), demonstrations: demonstrations)
                .write(to: RunReport(run.directory).keypoints)
        }
        try RunReport(run.directory).write(film)
        try tell(outcome, of: run, progress.last, film)
        if let interrupted = interruption.request { throw interrupted }
    }

    /// Where the demonstrations are: as the arguments say, else where they were when the run was begun.
    private func demonstrationsPlace(_ recipe: Recipe) throws -> URL {
        if let data { return URL(fileURLWithPath: data) }
        let run = RunDirectory(URL(fileURLWithPath: output))
        guard let before = run.dataPath else {
            try run.checkNothingIsLost(firstCheckpoint: recipe.training.checkpointInterval)
            throw CommandError(
                place: output, expected: "a checkpoint that tells where the demonstrations are", found: "none",
                hint: "name them with --data")
        }
        guard try PathKind(at: before) != nil else {
            throw CommandError(
                place: output, expected: "the demonstrations of the run at \(before)", found: "nothing there",
                hint: "--data tells where they are now")
        }
        return URL(fileURLWithPath: before)
    }

    /// The recipe as the arguments say; a name or an override that cannot be understood counts as wrong usage.
    private func resolvedRecipe() throws -> Recipe {
        let run = RunDirectory(URL(fileURLWithPath: output))
        guard recipe != nil || FileManager.default.fileExists(atPath: run.recipe.path) else {
            throw CommandError(
                place: run.url.path, expected: "a run to go on with", found: "no \(run.recipe.lastPathComponent)",
                hint: "--recipe begins one")
        }
        do {
            let recipe =
                try recipe.map { try RecipeFile.read($0, overrides: overrides) }
                ?? RecipeFile.read(contentsOf: run.recipe, overrides: overrides, isStored: true)
            try TrainingRollouts.check(recipe)
            return recipe
        } catch let error as RecipeError where error.place == "recipe" || error.place.hasPrefix("--set") {
            throw ValidationError("\(error)")
        }
    }

    /// What `--json` prints.
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
        _ outcome: TrainingRun.Outcome, of run: TrainingRun, _ last: MetricsRow?, _ film: EvaluationResult?
    ) throws {
        let files = run.directory
        if global.json {
            try StandardOutput.write(
                json: Summary(
                    finished: outcome == .finished, step: run.trainer.step, loss: last?.loss,
                    validationLoss: last?.validationLoss, elapsedSeconds: last?.elapsedSeconds, score: film?.score,
                    successRate: film?.successRate, policy: files.policy.path, report: files.report.path))
            return
        }
        if case .stopped(let step) = outcome {
            StandardOutput.write(line: "stopped after step \(step); the same command with --resume goes on")
        }
        StandardOutput.write(line: "policy  \(files.policy.path)")
        StandardOutput.write(line: "report  \(files.report.path)")
    }
}

/// Shows how far a training is.
private final class TrainingProgress {
    private let line = ProgressLine()
    private let steps: Int
    /// The last update that was told of.
    private(set) var last: MetricsRow?
    private var meanLoss: Double?
    private var firstStep = 0
    private var firstSeconds = 0.0

    init(_ recipe: Recipe) { steps = recipe.training.steps }

    func show(_ row: MetricsRow) {
        if last == nil { (firstStep, firstSeconds) = (row.step, row.elapsedSeconds) }
        last = row
        // A moving average over some fifty updates, which is calm enough to read.
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
