import DPBase

/// The training settings: batches, optimizer, and the measurements and checkpoints along the way.
///
/// The defaults are the paper's for Push-T from states (Chi et al. 2023, appendix) where it specifies them. Every
/// setting may be omitted from a recipe.
///
/// ```swift
/// var training = TrainingConfiguration()
/// training.steps = 20_000
/// training.batchSize = 64
/// training.validationRatio = 0.1  // every tenth episode is held out
/// let recipe = Recipe(name: "open-drawer", policy: recipe.policy, training: training)
/// ```
public struct TrainingConfiguration: Codable, Sendable, Hashable {
    /// The root of all randomness: initial weights, split of the episodes, order, noise.
    public var seed: UInt64 = 42
    /// The number of updates of the weights.
    public var steps = 8_000
    /// The number of windows per batch.
    public var batchSize = 256
    /// The number of noise samples per window of a batch, each with different noise at a different diffusion step;
    /// 1 by default, as in the paper.
    ///
    /// More samples add cost only in the denoiser, not in the image encoders, and make the gradients less noisy.
    public var noiseSamples = 1
    /// Whether steps outside a window's episode, which repeat the first or last frame, count in the loss; true by
    /// default, as in the reference implementation.
    ///
    /// Training on them pulls the last actions of chunks toward rest. False excludes them, as LeRobot's
    /// `do_mask_loss_for_padding` does; the loss remains a mean over all steps.
    public var lossOnPadding = true
    /// The number of equal parts to compute a batch in, one after another, to save memory.
    public var gradientAccumulationSteps = 1
    /// The optimizer and its largest learning rate.
    public var optimizer = AdamWConfiguration()
    /// The learning rate schedule.
    public var learningRateSchedule = LearningRateSchedule.cosine(warmUp: 500)
    /// The EMA (exponential moving average) of the weights, which the exported policy uses.
    public var ema = EMASchedule()
    /// Factors on the learning rate for parts of the network; none by default.
    ///
    /// A key is a prefix of parameter names, such as `rgb_encoder`; 0 freezes a part. See
    /// `DiffusionModel.init(_:learningRateMultipliers:)`.
    public var learningRateMultipliers: [String: Double] = [:]
    /// Random color changes of images; none by default.
    public var colorJitter: ColorJitter?
    /// The maximum norm of the gradients, which are scaled down to it; nil for no clipping.
    public var gradientClip: Double?
    /// The fraction of episodes held out to measure the validation loss.
    public var validationRatio = 0.0
    /// The maximum number of training episodes; nil for all.
    public var maxTrainEpisodes: Int?
    /// The number of updates between measurements of the validation loss and the error of sampled actions.
    public var validationInterval = 500
    /// Rollouts in a simulator during training; none by default.
    public var rollouts: RolloutConfiguration?
    /// The number of updates between checkpoints; one is also saved at the end.
    public var checkpointInterval = 1_000
    /// The number of checkpoints to keep for their score or validation loss, in addition to the two newest.
    public var keptCheckpoints = 1

    /// Creates the paper's configuration.
    public init() {}

    /// The number of windows computed at once.
    package var microBatchSize: Int { batchSize / gradientAccumulationSteps }

    /// The largest batch size, so that a mistyped number does not request all memory.
    static let largestBatch = 65_536

    /// Checks every value.
    /// - Throws: `InputError`.
    package func validate() throws {
        func check(_ key: String, _ value: Int, isIn range: ClosedRange<Int>) throws {
            guard range.contains(value) else {
                let expected = range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range)"
                throw InputError(key: key, expected: expected, found: value)
            }
        }
        try check("steps", steps, isIn: 1...1_000_000_000)
        try check("batch_size", batchSize, isIn: 1...Self.largestBatch)
        try check("noise_samples", noiseSamples, isIn: 1...Self.largestBatch / batchSize)
        try check("gradient_accumulation_steps", gradientAccumulationSteps, isIn: 1...batchSize)
        guard batchSize % gradientAccumulationSteps == 0 else {
            throw InputError(
                key: "gradient_accumulation_steps", expected: "a divisor of batch_size \(batchSize)",
                found: gradientAccumulationSteps)
        }
        try InputError.under("optimizer", optimizer.validate)
        try InputError.under("learning_rate_schedule", learningRateSchedule.validate)
        try InputError.under("ema", ema.validate)
        if let colorJitter { try InputError.under("color_jitter", colorJitter.validate) }
        if let gradientClip, !(gradientClip > 0 && gradientClip.isFinite) {
            throw InputError(key: "gradient_clip", expected: "a number above 0, or null", found: gradientClip)
        }
        guard 0 <= validationRatio, validationRatio < 1 else {
            throw InputError(key: "validation_ratio", expected: "0 ≤ ratio < 1", found: validationRatio)
        }
        if let maxTrainEpisodes { try check("max_train_episodes", maxTrainEpisodes, isIn: 1...Int.max) }
        try check("validation_interval", validationInterval, isIn: 1...Int.max)
        if let rollouts { try InputError.under("rollouts", rollouts.validate) }
        try check("checkpoint_interval", checkpointInterval, isIn: 1...Int.max)
        try check("kept_checkpoints", keptCheckpoints, isIn: 0...Int.max)
    }
}
