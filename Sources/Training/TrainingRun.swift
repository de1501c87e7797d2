public import Demonstrations
public import Foundation
public import Logging
public import Policies
public import TensorGraph

/// A training with everything around it: metrics, validation, rollouts, checkpoints, and the policy at its end.
///
/// However it ends (a request, an error, `kill -9`), a run that is resumed goes on bit for bit as if it had never stopped.
public final class TrainingRun {
    /// How a run ended.
    public enum Outcome: Sendable, Equatable {
        /// All updates were made.
        case finished
        /// Asked to stop after some updates; a checkpoint was saved.
        case stopped(step: Int)
    }

    /// What rollouts of a policy came to.
    public struct RolloutResult: Sendable, Equatable {
        /// The mean over episodes of the best reward.
        public var score: Double
        /// The share of episodes that succeeded.
        public var successRate: Double

        /// What rollouts came to.
        public init(score: Double, successRate: Double) {
            self.score = score
            self.successRate = successRate
        }
    }

    /// The files of the run.
    public let directory: RunDirectory
    /// What makes the updates.
    public let trainer: Trainer
    /// The checkpoints of the run.
    public private(set) var checkpoints: CheckpointStore
    private let metrics: MetricsFile
    private let lock: RunLock
    private var elapsedSeconds = 0.0

    /// Begins a run, or goes on with one.
    /// - Parameters:
    ///   - directory: where its files are; made if it is not there.
    ///   - recipe: what to train and how.
    ///   - demonstrations: what to learn from.
    ///   - seed: replaces the recipe's.
    ///   - dataPath: where they are, which checkpoints remember.
    ///   - isResumed: whether to go on from the newest checkpoint. When there is nothing to go on with, the run begins.
    ///   - steps: goes on to so many updates, more than were planned: the learning rate is from now on what it would have been in a training of
    ///     that length.
    ///   - isStrict: whether a warning about recipe or demonstrations is an error.
    ///   - backend: the machine that computes.
    ///   - logger: takes warnings, those of the demonstrations among them (`Trainer.warnings`).
    /// - Throws: `TrainingError` when there is a run already, one of another recipe, one whose checkpoints are all damaged, or another
    ///   process in the directory; as `Trainer.init(recipe:demonstrations:seed:backend:)`; or `FileSystemError`.
    public init(
        directory: URL, recipe: Recipe, demonstrations: ReplayBuffer, dataPath: String? = nil, seed: UInt64? = nil,
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
            logger.notice("no checkpoint in \(directory.path): beginning at step 0")
        }
        if !isBegun || steps != nil { try RecipeFile.write(trainer.recipe, to: files.recipe) }
        if let before = restored?.header.recipe.training.steps, before < trainer.recipe.training.steps {
            logger.notice(
                """
                \(trainer.recipe.training.steps) updates instead of \(before): the learning rate goes on as planned for that many, and the \
                run is no longer bit for bit one that was planned so from the start
                """)
        }
        if let before = restored?.header.dataPath, let dataPath, before != dataPath {
            logger.notice("the demonstrations were at \(before) and are at \(dataPath) now, number for number the same")
        }
        if let before = restored?.header.threads, before != backend.threads {
            logger.warning(
                "begun with \(before) threads, going on with \(backend.threads): no longer bit for bit the same run")
        }
        if let before = restored?.header.precision, before != backend.precision {
            logger.warning("begun in \(before), going on in \(backend.precision): no longer bit for bit the same run")
        }
        metrics = try MetricsFile(contentsOf: files.metrics, continuingAfter: trainer.step)
        elapsedSeconds = restored?.header.elapsedSeconds ?? 0
        self.directory = files
        self.trainer = trainer
        self.checkpoints = checkpoints
        self.lock = lock
    }

    /// Makes the updates that are left, then writes the policy.
    /// - Parameters:
    ///   - rollout: judges the policy in a simulator at the interval that the recipe sets, in its episodes; nil without a simulator.
    ///   - progress: called after each update.
    ///   - shouldStop: asked after each update; when it says yes, a checkpoint and the policy are saved and the run ends.
    /// - Throws: `TrainingError.notFinite` with the last good checkpoint; `FileSystemError` when the disk is full, older checkpoints
    ///   being as before; or what `rollout` throws.
    public func run(
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

    /// Adds what is due at this step: it depends on the step alone, so that a resumed run measures the same.
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

    /// Saves a checkpoint, after the lines of all its updates are on the disk.
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
