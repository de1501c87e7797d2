package import DPDatasets
package import DPGraph
package import DPPolicy
package import Foundation
package import Logging

/// A training run with metrics, validation, rollouts, checkpoints, and the exported policy at its end.
///
/// However it ends (a request, an error, `kill -9`), a resumed run continues bit for bit as if it had never stopped.
package final class TrainingRun {
    /// The outcome of a run.
    package enum Outcome: Sendable, Equatable {
        /// All updates were made.
        case finished
        /// Stopped on request after some updates; a checkpoint was saved.
        case stopped(step: Int)
    }

    /// The results of a policy's rollouts.
    package struct RolloutResult: Sendable, Equatable {
        /// The mean over episodes of the best reward.
        package var score: Double
        /// The fraction of successful episodes.
        package var successRate: Double

        /// Creates a result.
        package init(score: Double, successRate: Double) {
            self.score = score
            self.successRate = successRate
        }
    }

    /// The files of the run.
    package let directory: RunDirectory
    /// The trainer that makes the updates.
    package let trainer: Trainer
    /// The checkpoints of the run.
    package private(set) var checkpoints: CheckpointStore
    private let metrics: MetricsFile
    private let lock: RunLock
    private var elapsedSeconds = 0.0

    /// Starts or resumes a run.
    /// - Parameters:
    ///   - directory: the folder of the run; created if it does not exist.
    ///   - recipe: the policy and the training settings.
    ///   - demonstrations: the training dataset.
    ///   - seed: replaces the recipe's seed.
    ///   - dataPath: the path of the dataset, which checkpoints record.
    ///   - isResumed: whether to resume from the newest checkpoint. Without a checkpoint, the run starts from the
    ///     beginning.
    ///   - steps: extends the run to this number of updates, more than planned: from now on the learning rate
    ///     follows the schedule of a run of that length.
    ///   - isStrict: whether a warning about recipe or dataset is an error.
    ///   - backend: the backend that computes.
    ///   - logger: receives warnings, including those about the dataset (`Trainer.warnings`).
    /// - Throws: `TrainingError` when there is already a run, the run has another recipe, all of its checkpoints
    ///   are damaged, or another process uses the directory; as
    ///   `Trainer.init(recipe:demonstrations:seed:backend:)`; or `FileSystemError`.
    package init(
        directory: URL, recipe: Recipe, demonstrations: InMemoryDataset, dataPath: String? = nil, seed: UInt64? = nil,
        isResumed: Bool = false, extendingTo steps: Int? = nil, isStrict: Bool = false, backend: any Backend,
        logger: Logger = Logger(label: "training")
    ) throws {
        let files = RunDirectory(directory)
        if !isResumed, !files.contents.isEmpty {
            throw TrainingError.existingRun(path: directory.path, found: files.contents.joined(separator: ", "))
        }
        var recipe = recipe
        recipe.training.steps = steps ?? recipe.training.steps
        let trainer = try Trainer(recipe: recipe, demonstrations: demonstrations, seed: seed, backend: backend)
        trainer.dataPath = dataPath
        for warning in trainer.warnings {
            if isStrict { throw TrainingError.warning(warning) }
            logger.warning("\(warning)")
        }
        let lock = try files.claim()
        var checkpoints = try CheckpointStore(
            files.checkpoints, kept: trainer.recipe.training.keptCheckpoints, logger: logger)
        let isBegun = FileManager.default.fileExists(atPath: files.recipe.path)
        if isBegun { try Self.check(trainer.recipe, isThatOf: files, extendingTo: steps) }
        let restored = try checkpoints.restoreNewest { try trainer.resume($0, path: $1.path, mayExtend: true) }
        if isResumed, restored == nil {
            try files.checkNothingIsLost(firstCheckpoint: trainer.recipe.training.checkpointInterval)
            logger.notice("no checkpoint in \(directory.path): starting at step 0")
        }
        if !isBegun || steps != nil { try RecipeFile.write(trainer.recipe, to: files.recipe) }
        if let before = restored?.header.recipe.training.steps, before < trainer.recipe.training.steps {
            logger.notice(
                """
                \(trainer.recipe.training.steps) updates instead of \(before): the learning rate now follows the \
                schedule of the longer run, so the result differs from a run of that length from the start
                """)
        }
        if let before = restored?.header.dataPath, let dataPath, before != dataPath {
            logger.notice("the dataset was at \(before) and is now at \(dataPath), with identical numbers")
        }
        if let before = restored?.header.threads, before != backend.threads {
            logger.warning(
                "started with \(before) threads, resuming with \(backend.threads): no longer bit for bit the same run")
        }
        if let before = restored?.header.precision, before != backend.precision {
            logger.warning(
                "started in \(before), resuming in \(backend.precision): no longer bit for bit the same run")
        }
        metrics = try MetricsFile(contentsOf: files.metrics, continuingAfter: trainer.step)
        elapsedSeconds = restored?.header.elapsedSeconds ?? 0
        self.directory = files
        self.trainer = trainer
        self.checkpoints = checkpoints
        self.lock = lock
    }

    /// Makes the remaining updates, then writes the policy.
    /// - Parameters:
    ///   - rollout: evaluates the policy in a simulator, with the interval and episodes of the recipe; nil without
    ///     a simulator.
    ///   - progress: called after each update.
    ///   - shouldStop: called after each update; if it returns true, the run saves a checkpoint and the policy,
    ///     then ends.
    /// - Throws: `TrainingError.notFinite` with the last good checkpoint; `FileSystemError` when the disk is full,
    ///   with older checkpoints unchanged; or any error that `rollout` throws.
    package func run(
        rollout: ((DiffusionPolicy, RolloutConfiguration) throws -> RolloutResult)? = nil,
        progress: (MetricsRow) throws -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Outcome {
        let clock = ContinuousClock()
        var start = clock.now
        for batch in trainer.batches() {
            var row = try step(batch)
            try measure(&row, rollout: rollout)
            let seconds = (clock.now - start) / .seconds(1)
            start = clock.now
            elapsedSeconds += seconds
            row.elapsedSeconds = elapsedSeconds
            row.samplesPerSecond = Double(batch.count) / seconds
            try metrics.append(row)
            let isStopped = shouldStop() && trainer.step < trainer.recipe.training.steps
            if isCheckpointDue || isStopped { try saveCheckpoint(row) }
            try progress(row)
            if isStopped {
                try trainer.exportPolicy(to: directory.policy)
                return .stopped(step: trainer.step)
            }
        }
        try trainer.exportPolicy(to: directory.policy)
        return .finished
    }

    private var isLast: Bool { trainer.step == trainer.recipe.training.steps }
    private var isCheckpointDue: Bool {
        isLast || trainer.step.isMultiple(of: trainer.recipe.training.checkpointInterval)
    }

    private func step(_ batch: Batch) throws -> MetricsRow {
        do {
            return MetricsRow(try trainer.step(batch), samplesPerSecond: 0, elapsedSeconds: 0)
        } catch TrainingError.notFinite(let quantity, let step, let value, _) {
            throw TrainingError.notFinite(
                quantity: quantity, step: step, value: value, lastCheckpoint: checkpoints.newest?.url.path)
        }
    }

    private func checkFinite(_ value: Double?, _ quantity: String) throws {
        guard let value, !value.isFinite else { return }
        throw TrainingError.notFinite(
            quantity: quantity, step: trainer.step, value: "\(value)", lastCheckpoint: checkpoints.newest?.url.path)
    }

    /// Adds the measurements that are due at this step.
    ///
    /// They depend on the step alone, so that a resumed run measures the same.
    private func measure(
        _ row: inout MetricsRow, rollout: ((DiffusionPolicy, RolloutConfiguration) throws -> RolloutResult)?
    ) throws {
        let training = trainer.recipe.training
        if isCheckpointDue || trainer.step.isMultiple(of: training.validationInterval) {
            row.validationLoss = try trainer.validationLoss()
            try checkFinite(row.validationLoss, "validation loss")
            do { row.actionMSE = try trainer.actionError() } catch PolicyError.actionNotFinite {
                row.actionMSE = .nan
            }
            try checkFinite(row.actionMSE, "error of sampled actions")
        }
        if let rollout, let rollouts = training.rollouts, isLast || trainer.step.isMultiple(of: rollouts.interval) {
            let result = try rollout(trainer.policy(), rollouts)
            row.score = result.score
            try checkFinite(row.score, "score")
            row.successRate = result.successRate
            try checkFinite(row.successRate, "success rate")
        }
    }

    /// Saves a checkpoint after flushing the metrics of all its updates to disk.
    private func saveCheckpoint(_ row: MetricsRow) throws {
        try metrics.flush()
        let header = trainer.header(
            elapsedSeconds: elapsedSeconds, validationLoss: row.validationLoss, score: row.score)
        try checkpoints.save(header) { url in
            try trainer.saveCheckpoint(
                to: url, elapsedSeconds: header.elapsedSeconds, validationLoss: header.validationLoss,
                score: header.score)
        }
    }

    private static func check(_ recipe: Recipe, isThatOf files: RunDirectory, extendingTo steps: Int?) throws {
        var before = try RecipeFile.read(contentsOf: files.recipe, isStored: true)
        if let steps {
            guard steps > before.training.steps else {
                throw TrainingError.wrongData(
                    key: "--extend", expected: "more than the \(before.training.steps) updates of the run",
                    found: "\(steps)")
            }
            before.training.steps = steps
        }
        let differences = try RecipeFile.differences(before: before, now: recipe)
        guard differences.isEmpty else {
            throw TrainingError.differentRun(path: files.url.path, differences: differences)
        }
    }
}
