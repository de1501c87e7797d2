public import Demonstrations
public import Foundation
import MachineResources
import NeuralNetworks
public import NoiseSchedules
public import Policies
import PolicyInterface
public import TensorGraph

/// Trains a policy, one batch after another.
///
/// ```swift
/// let trainer = try Trainer(recipe: recipe, demonstrations: demonstrations, backend: backend)
/// for batch in trainer.batches(count: 8_000) {
///     let report = try trainer.step(batch)
/// }
/// try trainer.exportPolicy(to: directory)
/// ```
///
/// With the same recipe, seed, demonstrations and machine, all numbers are the same bit for bit, also when a training is continued from a
/// checkpoint.
public final class Trainer {
    /// What is trained, its fields resolved against the demonstrations.
    public let recipe: Recipe
    /// The mathematics of the policy.
    public let model: DiffusionModel
    /// Updates made so far.
    public private(set) var step = 0
    /// Adds up the gradients of all machines in place, each being those of its share of the batch's mean loss, between their computation and the update; nothing to do on one machine.
    public var reduce: (any DeviceBuffer) throws -> Void = { _ in }

    let assembler: BatchAssembler
    /// Where the demonstrations are, for the checkpoints.
    var dataPath: String?
    private let backend: any Backend
    private let state: TrainingState
    private let gradients: GradientComputation
    private lazy var actionErrors = Result {
        try ActionError(model, assembler: assembler, average: state.average, on: backend)
    }
    private lazy var validation = ValidationLoss(model, assembler: assembler, average: state.average, on: backend)

    /// A training from random weights.
    /// - Parameters:
    ///   - recipe: what to train and how.
    ///   - demonstrations: what to learn from.
    ///   - seed: replaces the recipe's.
    ///   - backend: the machine that computes.
    /// - Throws: `InvalidSetting` or `HorizonError` for a recipe that cannot work; `ObservationError`, `WindowError` or `TrainingError`
    ///   for demonstrations that don't fit it; or when memory is short.
    public init(
        recipe: Recipe, demonstrations: ReplayBuffer, seed: UInt64? = nil, backend: any Backend
    ) throws {
        self.recipe = try recipe.resolved(for: demonstrations, seed: seed)
        self.backend = backend
        model = try DiffusionModel(
            self.recipe.policy, learningRateFactors: self.recipe.training.learningRateFactors)
        let data = try TrainingData(demonstrations, model: model, training: self.recipe.training)
        assembler = BatchAssembler(data: data, model: model, training: self.recipe.training)
        state = try TrainingState(on: backend, table: model.table)
        gradients = try GradientComputation(model, training: self.recipe.training, state: state, on: backend)
        // What takes memory later, two batches and a checkpoint, is refused now rather than after an hour.
        try AvailableMemory.check(2 * assembler.batchByteCount + Checkpoint.writingByteCount(table: model.table))

        let weights = model.table.initialValues(key: RandomKey(seed: self.recipe.training.seed).folding("weights"))
        state.parameters.write(weights)
        state.average.write(weights)
    }

    /// A training that goes on from a checkpoint, bit for bit as if it had never stopped.
    /// - Throws: as the other initialiser, or `TrainingError.differentRun` when recipe or demonstrations are others than those of the
    ///   checkpoint, or as reading the checkpoint does.
    public convenience init(
        resuming checkpoint: URL, recipe: Recipe, demonstrations: ReplayBuffer, seed: UInt64? = nil,
        backend: any Backend
    ) throws {
        try self.init(recipe: recipe, demonstrations: demonstrations, seed: seed, backend: backend)
        try resume(Checkpoint(contentsOf: checkpoint), path: checkpoint.path)
    }

    /// Takes the state of a checkpoint.
    /// - Parameter mayExtend: whether the training may be longer than it was planned when the checkpoint was saved.
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
        if !checkpoint.header.normaliser.isSameMap(as: assembler.data.normaliser) {
            differences.append("normalisation: fitted by the rules of an earlier version before")
        }
        guard differences.isEmpty else { throw TrainingError.differentRun(path: path, differences: differences) }
        try checkpoint.read(into: state, table: model.table)
        step = checkpoint.header.step
    }

    /// What is odd about recipe and demonstrations though it can be trained, a sentence each.
    public var warnings: [String] {
        var warnings = assembler.data.warnings + recipe.policy.observations.images.flatMap(\.warnings)
        let (schedule, steps) = (recipe.training.learningRateSchedule, recipe.training.steps)
        if case .cosine(let warmUp) = schedule, warmUp >= steps {
            warnings.append(
                """
                training.learning_rate_schedule.warm_up: \(warmUp) updates of warm-up in a training of \(steps): the learning rate never \
                comes to its peak
                """)
        }
        return warnings
    }

    /// The batches of the next updates, each assembled while the one before is used.
    /// - Parameter count: how many; all that are left of the recipe's steps if not given.
    public func batches(count: Int? = nil) -> Batches {
        Batches(assembler, updates: step..<step + (count ?? max(recipe.training.steps - step, 0)))
    }

    /// One update of the weights: gradients of the batch, their reduction over machines, clipping, AdamW and moving average.
    ///
    /// For each window of the batch, noise and a step of the diffusion were drawn; `DiffusionModel.trainingGraph(batch:noiseSamples:)` says how they
    /// become a loss. With m and v running means of the clipped gradient and of its square, corrected for their start at 0, AdamW moves the
    /// weights w by `w ← w − rate · (m / (√v + ε) + decay · w)`. The rate rises linearly from 0 during warm-up (the first update then
    /// moves nothing), then falls to 0 along half a cosine. Afterwards `average ← d · average + (1 − d) · w`, d growing from 0 to the recipe's
    /// maximum; the average is what is validated, exported and acts.
    /// - Precondition: `batch` is the one of the present step.
    /// - Throws: `TrainingError.notFinite`, the weights being as before; or when the machine fails.
    public func step(_ batch: Batch) throws -> StepReport {
        precondition(batch.update == step, "the batch of update \(batch.update) at update \(step)")
        let training = recipe.training
        let rate = training.learningRateSchedule.learningRate(
            at: step, of: training.steps, peak: training.optimizer.learningRate)
        // Three pieces of work for the machine, handed over one by one: that allocates nothing, as handing over a closure would.
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
                averageDecay: training.movingAverage.decay(at: step)))
        step += 1
        return StepReport(
            step: step, epoch: batch.epoch, loss: loss, learningRate: rate, gradientNorm: norm)
    }

    private func notFinite(_ quantity: String, _ value: Double) -> TrainingError {
        .notFinite(quantity: quantity, step: step + 1, value: "\(value)", lastCheckpoint: nil)
    }

    /// The mean loss of the moving average on held-out episodes, with the same noise every time; nil when no episodes are held out.
    public func validationLoss() throws -> Double? {
        guard let windows = assembler.data.validation else { return nil }
        return try validation.measure(windows)
    }

    /// The mean squared error of actions that the moving average samples with DDIM on up to 64 windows that it was trained on, in normalised units.
    /// - Throws: `PolicyError` when an action is not finite.
    public func actionError() throws -> Double { try actionErrors.get().measure() }

    /// The policy as it is now, its moving average; later updates change it.
    /// - Parameter sampler: the recipe's if not given.
    /// - Throws: `InvalidSetting` when the diffusion has too few steps for the sampler.
    public func policy(sampler: Sampler? = nil) throws -> DiffusionPolicy {
        try DiffusionPolicy(
            model, parameters: state.average, normaliser: assembler.data.normaliser, sampler: sampler, backend: backend)
    }

    /// Writes the policy as it is now, its moving average, as a policy directory.
    /// - Throws: as `PolicyDirectory.write(_:precision:)`.
    public func exportPolicy(to directory: URL) throws {
        try PolicyDirectory(directory).write(
            StoredPolicy(
                configuration: recipe.policy, normaliser: assembler.data.normaliser, weights: state.average.values(),
                origin: header().origin, task: recipe.task))
    }

    /// Writes everything that a training needs to go on, atomically.
    /// - Parameters:
    ///   - url: the file.
    ///   - elapsedSeconds: time spent so far.
    ///   - validationLoss: as measured at this step.
    ///   - score: of rollouts at this step.
    /// - Throws: `FileSystemError`, for example when the disk is full.
    public func saveCheckpoint(
        to url: URL, elapsedSeconds: Double = 0, validationLoss: Double? = nil, score: Double? = nil
    ) throws {
        let header = header(elapsedSeconds: elapsedSeconds, validationLoss: validationLoss, score: score)
        try Checkpoint.write(state, table: model.table, header: header, to: url)
    }

    func header(
        elapsedSeconds: Double = 0, validationLoss: Double? = nil, score: Double? = nil
    ) -> CheckpointHeader {
        CheckpointHeader(
            step: step, epoch: assembler.epoch(ofUpdate: step), recipe: recipe, normaliser: assembler.data.normaliser,
            dataFingerprint: dataFingerprint, dataOrigin: dataOrigin, precision: backend.precision,
            threads: backend.threads, dataPath: dataPath, elapsedSeconds: elapsedSeconds,
            validationLoss: validationLoss, score: score)
    }

    /// The weights, as they are now, in the order of `model.table`.
    public var weights: [Float] { state.parameters.values() }
    /// The moving average of the weights, as it is now, in the order of `model.table`.
    public var averageWeights: [Float] { state.average.values() }

    private var dataFingerprint: String { assembler.data.fingerprint }

    /// What a policy tells of the demonstrations beside their fingerprint.
    private var dataOrigin: [String: String] {
        var origin: [String: String] = [:]
        origin["learned_from"] = assembler.data.learnedFrom
        origin["drawn_images"] = assembler.data.drawnImages
        return origin
    }
}

/// What one update of the weights did.
public struct StepReport: Sendable, Equatable {
    /// Updates made, this one included.
    public let step: Int
    /// The epoch that the batch began in, from 0.
    public let epoch: Int
    /// The mean squared error over the batch, before the update.
    public let loss: Double
    /// The learning rate of the update.
    public let learningRate: Double
    /// The norm of all gradients, before clipping.
    public let gradientNorm: Double
}

/// The factor that brings gradients down to the wanted norm, as PyTorch's `clip_grad_norm_` computes it.
func gradientScale(norm: Double, limit: Double?) -> Double {
    limit.map { min(1, $0 / (norm + 1e-6)) } ?? 1
}
