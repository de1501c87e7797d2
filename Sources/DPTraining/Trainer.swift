import DPBase
package import DPDatasets
package import DPGraph
import DPInterface
import DPNetworks
public import DPPolicy
package import Foundation

/// Trains a policy, batch by batch.
///
/// With the same recipe, seed, dataset and machine, all numbers are bit-for-bit the same, even when training is
/// resumed from a checkpoint.
///
/// ```swift
/// let trainer = try Trainer(recipe: recipe, demonstrations: demonstrations, seed: 42)
/// for warning in trainer.warnings { print("warning:", warning) }
/// for batch in trainer.batches() {
///     let report = try trainer.step(batch)
///     if report.step.isMultiple(of: 1_000) { try trainer.exportPolicy(to: "runs/pick-cup/policy") }
/// }
/// ```
public final class Trainer {
    /// The recipe, with its features resolved against the dataset.
    package let recipe: Recipe
    /// The mathematics of the policy.
    package let model: DiffusionModel
    /// The number of updates made so far.
    package private(set) var step = 0
    /// Sums the gradients of all machines in place, between the backward pass and the update.
    ///
    /// Each machine contributes the gradients of its fraction of the batch's mean loss. Does nothing on one machine.
    package var reduce: (any DeviceBuffer) throws -> Void = { _ in }

    let assembler: BatchAssembler
    /// The path of the dataset, for the checkpoints.
    var dataPath: String?
    private let backend: any Backend
    private let state: TrainingState
    private let gradients: GradientComputation
    private lazy var actionErrors = Result {
        try ActionError(model, assembler: assembler, average: state.average, on: backend)
    }
    private lazy var validation = ValidationLoss(model, assembler: assembler, average: state.average, on: backend)

    /// Creates a trainer with random weights.
    /// - Parameters:
    ///   - recipe: the policy and the training settings.
    ///   - demonstrations: the training dataset.
    ///   - seed: replaces the recipe's seed.
    ///   - backend: the backend that computes.
    /// - Throws: `InputError` for an invalid recipe; `InputError` or `TrainingError` for a dataset that does not fit
    ///   it; or an error when there is too little memory.
    package init(
        recipe: Recipe, demonstrations: InMemoryDataset, seed: UInt64? = nil, backend: any Backend
    ) throws {
        self.recipe = try recipe.resolved(for: demonstrations, seed: seed)
        self.backend = backend
        model = try DiffusionModel(
            self.recipe.policy, learningRateMultipliers: self.recipe.training.learningRateMultipliers)
        let data = try TrainingData(demonstrations, model: model, training: self.recipe.training)
        assembler = BatchAssembler(data: data, model: model, training: self.recipe.training)
        state = try TrainingState(on: backend, table: model.table)
        gradients = try GradientComputation(model, training: self.recipe.training, state: state, on: backend)
        // Check the memory for two batches and a checkpoint now rather than fail after an hour.
        try AvailableMemory.check(2 * assembler.batchByteCount + Checkpoint.writingByteCount(table: model.table))

        let weights = model.table.initialValues(key: RandomKey(seed: self.recipe.training.seed).folding("weights"))
        state.parameters.write(weights)
        state.average.write(weights)
    }

    /// Creates a trainer that resumes from a checkpoint, bit for bit as if training had never stopped.
    /// - Throws: as the other initializer; `TrainingError.differentRun` when recipe or dataset differ from those of
    ///   the checkpoint; or an error from reading the checkpoint.
    package convenience init(
        resuming checkpoint: URL, recipe: Recipe, demonstrations: InMemoryDataset, seed: UInt64? = nil,
        backend: any Backend
    ) throws {
        try self.init(recipe: recipe, demonstrations: demonstrations, seed: seed, backend: backend)
        try resume(Checkpoint(contentsOf: checkpoint), path: checkpoint.path)
    }

    /// Restores the state of a checkpoint.
    /// - Parameter mayExtend: whether training may be longer than planned when the checkpoint was saved.
    func resume(_ checkpoint: Checkpoint, path: String, mayExtend: Bool = false) throws {
        var before = checkpoint.header.recipe
        if mayExtend, before.training.steps < recipe.training.steps { before.training.steps = recipe.training.steps }
        var differences = try RecipeFile.differences(before: before, now: recipe)
        if checkpoint.header.dataFingerprint != dataFingerprint {
            func place(_ path: String?) -> String { path.map { " at \($0)" } ?? "" }
            differences.append(
                """
                demonstrations: \(checkpoint.header.dataFingerprint)\(place(checkpoint.header.dataPath)) before, \
                \(dataFingerprint)\(place(dataPath)) now
                """)
        }
        if !checkpoint.header.normalizer.isSameMap(as: assembler.data.normalizer) {
            differences.append("normalization: fitted with the rules of an earlier version before")
        }
        guard differences.isEmpty else { throw TrainingError.differentRun(path: path, differences: differences) }
        try checkpoint.read(into: state, table: model.table)
        step = checkpoint.header.step
    }

    /// Warnings about recipe and dataset, one sentence each; training is possible nevertheless.
    public var warnings: [String] {
        var warnings = assembler.data.warnings + recipe.policy.observations.images.flatMap(\.warnings)
        let (schedule, steps) = (recipe.training.learningRateSchedule, recipe.training.steps)
        if case .cosine(let warmUp) = schedule, warmUp >= steps {
            warnings.append(
                """
                training.learning_rate_schedule.warm_up: \(warmUp) updates of warm-up in a training run of \
                \(steps) updates: the learning rate never reaches its peak
                """)
        }
        return warnings
    }

    /// Returns the batches of the next updates, each assembled while the previous one is used.
    /// - Parameter count: the number of batches; by default all remaining steps of the recipe.
    public func batches(count: Int? = nil) -> some Sequence<Batch> {
        Batches(assembler, updates: step..<step + (count ?? max(recipe.training.steps - step, 0)))
    }

    /// Makes one update of the weights: computes the gradients of the batch, clips them, and applies AdamW and
    /// the EMA.
    ///
    /// For each window of the batch, noise and a diffusion step were drawn;
    /// `DiffusionModel.trainingGraph(batch:noiseSamples:)` describes the loss. With m and v running means of the
    /// clipped gradient and of its square, corrected for their start at 0, AdamW updates the weights w by
    /// `w ← w − rate · (m / (√v + ε) + decay · w)`. The rate rises linearly from 0 during warm-up (the first update
    /// then changes nothing), then falls to 0 along half a cosine. Afterward
    /// `average ← d · average + (1 − d) · w`, with d growing from 0 to the recipe's maximum; the average is
    /// validated, exported and used for actions.
    /// - Precondition: `batch` is the one of the current step.
    /// - Throws: `TrainingError.notFinite`, with the weights unchanged; or an error when the backend fails.
    public func step(_ batch: Batch) throws -> StepReport {
        precondition(batch.update == step, "the batch of update \(batch.update) at update \(step)")
        let training = recipe.training
        let rate = training.learningRateSchedule.learningRate(
            at: step, of: training.steps, peak: training.optimizer.learningRate)
        // Three separate backend calls, because passing a closure would allocate memory.
        let loss = try gradients.compute(batch)
        try reduce(state.gradients)
        let norm = try backend.sumOfSquares(of: state.gradients).squareRoot()
        guard loss.isFinite else { throw notFinite("loss", loss) }
        guard norm.isFinite else { throw notFinite("gradient norm", norm) }
        try backend.update(
            state, table: model.table,
            with: AdamWUpdate(
                step: step + 1, learningRate: rate, beta1: training.optimizer.beta1,
                beta2: training.optimizer.beta2, epsilon: training.optimizer.epsilon,
                weightDecay: training.optimizer.weightDecay,
                gradientScale: gradientScale(norm: norm, limit: training.gradientClip),
                averageDecay: training.ema.decay(at: step)))
        step += 1
        return StepReport(
            step: step, epoch: batch.epoch, loss: loss, learningRate: rate, gradientNorm: norm)
    }

    private func notFinite(_ quantity: String, _ value: Double) -> TrainingError {
        .notFinite(quantity: quantity, step: step + 1, value: "\(value)", lastCheckpoint: nil)
    }

    /// Returns the mean loss of the EMA weights on held-out episodes, with the same noise every time; nil when no
    /// episodes are held out.
    public func validationLoss() throws -> Double? {
        guard let windows = assembler.data.validation else { return nil }
        return try validation.measure(windows)
    }

    /// Returns the mean squared error of actions sampled by the EMA weights with DDIM on up to 64 training windows,
    /// in normalized units.
    /// - Throws: `PolicyError` when an action is not finite.
    package func actionError() throws -> Double { try actionErrors.get().measure() }

    /// Returns the current policy with the EMA weights; later updates change it.
    /// - Parameter sampler: the recipe's sampler by default.
    /// - Throws: `InputError` when the diffusion has too few steps for the sampler.
    public func policy(sampler: Sampler? = nil) throws -> DiffusionPolicy {
        try DiffusionPolicy(
            model, parameters: state.average, normalizer: assembler.data.normalizer, sampler: sampler, backend: backend)
    }

    /// Writes the current policy with the EMA weights as a policy directory.
    /// - Throws: as `PolicyDirectory.write(_:precision:)`.
    package func exportPolicy(to directory: URL) throws {
        try PolicyDirectory(directory).write(
            StoredPolicy(
                configuration: recipe.policy, normalizer: assembler.data.normalizer, weights: state.average.values(),
                origin: header().origin, task: recipe.task))
    }

    /// Writes a checkpoint with the complete training state, atomically.
    /// - Parameters:
    ///   - url: the file.
    ///   - elapsedSeconds: the training time so far.
    ///   - validationLoss: the validation loss at this step.
    ///   - score: the score of rollouts at this step.
    /// - Throws: `FileSystemError`, for example when the disk is full.
    package func saveCheckpoint(
        to url: URL, elapsedSeconds: Double = 0, validationLoss: Double? = nil, score: Double? = nil
    ) throws {
        let header = header(elapsedSeconds: elapsedSeconds, validationLoss: validationLoss, score: score)
        try Checkpoint.write(state, table: model.table, header: header, to: url)
    }

    func header(
        elapsedSeconds: Double = 0, validationLoss: Double? = nil, score: Double? = nil
    ) -> CheckpointHeader {
        CheckpointHeader(
            step: step, epoch: assembler.epoch(ofUpdate: step), recipe: recipe, normalizer: assembler.data.normalizer,
            dataFingerprint: dataFingerprint, dataOrigin: dataOrigin, precision: backend.precision,
            threads: backend.threads, dataPath: dataPath, elapsedSeconds: elapsedSeconds,
            validationLoss: validationLoss, score: score)
    }

    /// The current weights, in the order of `model.table`.
    package var weights: [Float] { state.parameters.values() }
    /// The current EMA of the weights, in the order of `model.table`.
    package var averageWeights: [Float] { state.average.values() }

    private var dataFingerprint: String { assembler.data.fingerprint }

    /// Further information about the dataset that a policy records in addition to the fingerprint.
    private var dataOrigin: [String: String] {
        var origin: [String: String] = [:]
        origin["learned_from"] = assembler.data.learnedFrom
        origin["drawn_images"] = assembler.data.drawnImages
        return origin
    }
}

/// The results of one update of the weights.
///
/// ```swift
/// for batch in trainer.batches(count: 500) {
///     let report: StepReport = try trainer.step(batch)
///     print("step \(report.step)  loss \(report.loss)  gradient norm \(report.gradientNorm)")
/// }
/// ```
public struct StepReport: Sendable, Equatable {
    /// The number of updates made, including this one.
    public let step: Int
    /// The epoch of the first window of the batch, from 0.
    package let epoch: Int
    /// The mean squared error over the batch, before the update.
    public let loss: Double
    /// The learning rate of the update.
    public let learningRate: Double
    /// The norm of all gradients, before clipping.
    public let gradientNorm: Double
}

/// Returns the factor that scales gradients down to the limit, as PyTorch's `clip_grad_norm_` computes it.
func gradientScale(norm: Double, limit: Double?) -> Double {
    limit.map { min(1, $0 / (norm + 1e-6)) } ?? 1
}
