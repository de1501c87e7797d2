import PolicyInterface

/// How a policy is trained: batches, optimiser, and what is checked and saved on the way.
///
/// The defaults are the paper's for Push-T from states (Chi et al. 2023, appendix) where it has them. In a recipe every field may be
/// left out.
public struct TrainingConfiguration: Sendable, Hashable {
    /// The root of all randomness: first weights, split of the episodes, order, noise.
    public var seed: UInt64
    /// How many updates of the weights.
    public var steps: Int
    /// Windows in a batch.
    public var batchSize: Int
    /// How often each window of a batch is diffused, each time with other noise at another step; 1 by default, as in the paper.
    ///
    /// More cost only the denoiser, not the encoders of images, and make the gradients less noisy.
    public var noiseSamples: Int
    /// Whether steps of a window outside of its episode, where the first or the last frame is repeated, count in the loss; true by default, as in
    /// the reference implementation.
    ///
    /// Learning from them pulls the last actions of chunks toward rest. False leaves them out, as LeRobot's `do_mask_loss_for_padding` does; the loss
    /// stays a mean over all steps.
    public var lossOnPadding: Bool
    /// In how many equal parts a batch is computed, one after another, to save memory.
    public var accumulation: Int
    /// The optimiser and its largest learning rate.
    public var optimizer: AdamWConfiguration
    /// How the learning rate changes over the training.
    public var learningRateSchedule: LearningRateSchedule
    /// The moving average of the weights, which is what acts.
    public var movingAverage: MovingAverageDecay
    /// What the learning rate is multiplied by for parts of the network; none by default.
    ///
    /// Parts go by what the names of their parameters begin with, such as `rgb_encoder`; 0 freezes a part. See
    /// `DiffusionModel.init(_:learningRateFactors:)`.
    public var learningRateFactors: [String: Double]
    /// Random changes of images' colours; none by default.
    public var colorJitter: ColorJitter?
    /// Gradients are scaled down so that their norm is at most this; nil leaves them alone.
    public var gradientClip: Double?
    /// The share of episodes kept from training to measure the validation loss on.
    public var validationRatio: Double
    /// At most so many episodes are trained on; nil takes all.
    public var maximumEpisodes: Int?
    /// The validation loss and the error of sampled actions are measured every so many updates.
    public var validationInterval: Int
    /// Rollouts in a simulator on the way; none by default.
    public var rollouts: RolloutConfiguration?
    /// A checkpoint is saved every so many updates, and at the end.
    public var checkpointInterval: Int
    /// How many checkpoints stay for their score or validation loss, beside the two newest.
    public var keptCheckpoints: Int

    /// The paper's values by default.
    public init(
        seed: UInt64 = 42, steps: Int = 8_000, batchSize: Int = 256, noiseSamples: Int = 1,
        lossOnPadding: Bool = true, accumulation: Int = 1,
        optimizer: AdamWConfiguration = AdamWConfiguration(),
        learningRateSchedule: LearningRateSchedule = .cosine(warmUp: 500),
        learningRateFactors: [String: Double] = [:], movingAverage: MovingAverageDecay = MovingAverageDecay(),
        colorJitter: ColorJitter? = nil, gradientClip: Double? = nil,
        validationRatio: Double = 0, maximumEpisodes: Int? = nil, validationInterval: Int = 500,
        rollouts: RolloutConfiguration? = nil, checkpointInterval: Int = 1_000, keptCheckpoints: Int = 1
    ) {
        self.seed = seed
        self.steps = steps
        self.batchSize = batchSize
        self.noiseSamples = noiseSamples
        self.lossOnPadding = lossOnPadding
        self.accumulation = accumulation
        self.optimizer = optimizer
        self.learningRateSchedule = learningRateSchedule
        self.learningRateFactors = learningRateFactors
        self.movingAverage = movingAverage
        self.colorJitter = colorJitter
        self.gradientClip = gradientClip
        self.validationRatio = validationRatio
        self.maximumEpisodes = maximumEpisodes
        self.validationInterval = validationInterval
        self.rollouts = rollouts
        self.checkpointInterval = checkpointInterval
        self.keptCheckpoints = keptCheckpoints
    }

    /// Windows that are computed at once.
    public var microBatchSize: Int { batchSize / accumulation }

    /// The largest batch, which keeps a mistyped number from asking for all memory.
    static let largestBatch = 65_536

    /// Checks every value.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        func check(_ key: String, _ value: Int, isIn range: ClosedRange<Int>) throws {
            guard range.contains(value) else {
                let expected = range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range)"
                throw InvalidSetting(key: key, expected: expected, found: value)
            }
        }
        try check("steps", steps, isIn: 1...1_000_000_000)
        try check("batch_size", batchSize, isIn: 1...Self.largestBatch)
        try check("noise_samples", noiseSamples, isIn: 1...Self.largestBatch / batchSize)
        try check("accumulation", accumulation, isIn: 1...batchSize)
        guard batchSize % accumulation == 0 else {
            throw InvalidSetting(
                key: "accumulation", expected: "a divisor of batch_size \(batchSize)", found: accumulation)
        }
        try optimizer.validate()
        try learningRateSchedule.validate()
        try movingAverage.validate()
        try colorJitter?.validate()
        if let gradientClip, !(gradientClip > 0 && gradientClip.isFinite) {
            throw InvalidSetting(key: "gradient_clip", expected: "a number above 0, or null", found: gradientClip)
        }
        guard 0 <= validationRatio, validationRatio < 1 else {
            throw InvalidSetting(key: "validation_ratio", expected: "0 ≤ ratio < 1", found: validationRatio)
        }
        if let maximumEpisodes { try check("maximum_episodes", maximumEpisodes, isIn: 1...Int.max) }
        try check("validation_interval", validationInterval, isIn: 1...Int.max)
        try rollouts?.validate()
        try check("checkpoint_interval", checkpointInterval, isIn: 1...Int.max)
        try check("kept_checkpoints", keptCheckpoints, isIn: 0...Int.max)
    }
}

extension TrainingConfiguration: Codable {
    private enum CodingKeys: String, CodingKey {
        case seed
        case steps
        case batchSize = "batch_size"
        case noiseSamples = "noise_samples"
        case lossOnPadding = "loss_on_padding"
        case accumulation
        case optimizer
        case learningRateSchedule = "learning_rate_schedule"
        case learningRateFactors = "learning_rate_factors"
        case movingAverage = "moving_average"
        case colorJitter = "color_jitter"
        case gradientClip = "gradient_clip"
        case validationRatio = "validation_ratio"
        case maximumEpisodes = "maximum_episodes"
        case validationInterval = "validation_interval"
        case rollouts
        case checkpointInterval = "checkpoint_interval"
        case keptCheckpoints = "kept_checkpoints"
    }

    /// Reads the fields that are given; the others keep their defaults.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        func read<Value: Decodable>(_ key: CodingKeys, into value: inout Value) throws {
            if let given = try fields.decodeIfPresent(Value.self, forKey: key) { value = given }
        }
        try read(.seed, into: &seed)
        try read(.steps, into: &steps)
        try read(.batchSize, into: &batchSize)
        try read(.noiseSamples, into: &noiseSamples)
        try read(.lossOnPadding, into: &lossOnPadding)
        try read(.accumulation, into: &accumulation)
        try read(.optimizer, into: &optimizer)
        try read(.learningRateSchedule, into: &learningRateSchedule)
        try read(.learningRateFactors, into: &learningRateFactors)
        try read(.movingAverage, into: &movingAverage)
        try read(.colorJitter, into: &colorJitter)
        try read(.gradientClip, into: &gradientClip)
        try read(.validationRatio, into: &validationRatio)
        try read(.maximumEpisodes, into: &maximumEpisodes)
        try read(.validationInterval, into: &validationInterval)
        try read(.rollouts, into: &rollouts)
        try read(.checkpointInterval, into: &checkpointInterval)
        try read(.keptCheckpoints, into: &keptCheckpoints)
    }

    /// Writes every field, with null for what is absent, so that a reader sees what can be set.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(seed, forKey: .seed)
        try fields.encode(steps, forKey: .steps)
        try fields.encode(batchSize, forKey: .batchSize)
        try fields.encode(noiseSamples, forKey: .noiseSamples)
        try fields.encode(lossOnPadding, forKey: .lossOnPadding)
        try fields.encode(accumulation, forKey: .accumulation)
        try fields.encode(optimizer, forKey: .optimizer)
        try fields.encode(learningRateSchedule, forKey: .learningRateSchedule)
        try fields.encode(learningRateFactors, forKey: .learningRateFactors)
        try fields.encode(movingAverage, forKey: .movingAverage)
        try fields.encode(colorJitter, forKey: .colorJitter)
        try fields.encode(gradientClip, forKey: .gradientClip)
        try fields.encode(validationRatio, forKey: .validationRatio)
        try fields.encode(maximumEpisodes, forKey: .maximumEpisodes)
        try fields.encode(validationInterval, forKey: .validationInterval)
        try fields.encode(rollouts, forKey: .rollouts)
        try fields.encode(checkpointInterval, forKey: .checkpointInterval)
        try fields.encode(keptCheckpoints, forKey: .keptCheckpoints)
    }
}
