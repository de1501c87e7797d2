import PolicyInterface

/// The diffusion that a network was trained to reverse; it belongs to the weights, while the sampler may be chosen anew for each use.
public struct DiffusionConfiguration: Sendable, Hashable {
    /// How many steps turn a sample into noise; 100 in the paper.
    public var steps: Int
    /// How the noise grows; the paper's squared cosine by default.
    public var betas: BetaSchedule
    /// What the network predicts; the noise by default.
    public var prediction: Prediction
    /// A predicted sample is clamped to ± this at every step of a sampler; nil leaves it alone.
    ///
    /// 1 by default, as in the paper, where data are normalised to −1 … 1; data normalised by mean and deviation exceed that.
    public var clip: Double?

    /// The paper's values by default.
    public init(
        steps: Int = 100, betas: BetaSchedule = .squaredCosine, prediction: Prediction = .noise, clip: Double? = 1
    ) {
        self.steps = steps
        self.betas = betas
        self.prediction = prediction
        self.clip = clip
    }

    /// Checks every value.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        _ = try schedule()
        if let clip, !(clip > 0 && clip.isFinite) {
            throw InvalidSetting(key: "clip", expected: "a number above 0, or none", found: clip)
        }
    }

    /// The tables of this diffusion.
    /// - Throws: `InvalidSetting`.
    public func schedule() throws -> NoiseSchedule { try NoiseSchedule(steps: steps, betas: betas) }
}

extension DiffusionConfiguration: Codable {
    private enum CodingKeys: String, CodingKey {
        case steps
        case betas
        case prediction
        case clip
    }

    /// Writes every key, with null for no clamping, so that a reader sees what can be set.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(steps, forKey: .steps)
        try fields.encode(betas, forKey: .betas)
        try fields.encode(prediction, forKey: .prediction)
        try fields.encode(clip, forKey: .clip)
    }
}
