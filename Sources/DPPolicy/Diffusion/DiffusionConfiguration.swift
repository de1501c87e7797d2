import DPBase

/// The diffusion that a network was trained to reverse; it is tied to the weights, while the sampler can be chosen
/// for each use.
///
/// ```swift
/// var recipe = try RecipeFile.read("pusht-lowdim")
/// recipe.policy.diffusion = DiffusionConfiguration(steps: 50, clip: nil)
/// recipe.policy.normalization.action = .gaussian  // requires clip: nil
/// ```
public struct DiffusionConfiguration: Sendable, Hashable {
    /// Number of diffusion steps; 100 in the paper.
    public var steps: Int
    /// The schedule of the noise; the paper's squared cosine by default.
    public var betas: BetaSchedule
    /// The quantity that the network predicts; the noise by default.
    public var prediction: Prediction
    /// The bound, ±, that predicted samples are clamped to at every sampler step; nil for no clamping.
    ///
    /// The default is 1, as in the paper, where data is normalized to −1 … 1; data normalized by mean and standard
    /// deviation exceeds that range.
    public var clip: Double?

    /// Creates a configuration; the defaults are the paper's values.
    public init(
        steps: Int = 100, betas: BetaSchedule = .squaredCosine, prediction: Prediction = .noise, clip: Double? = 1
    ) {
        self.steps = steps
        self.betas = betas
        self.prediction = prediction
        self.clip = clip
    }

    /// Checks every value.
    /// - Throws: `InputError`.
    package func validate() throws {
        _ = try schedule()
        if let clip, !(clip > 0 && clip.isFinite) {
            throw InputError(key: "clip", expected: "a number above 0, or none", found: clip)
        }
    }

    /// Returns the noise schedule of this diffusion.
    /// - Throws: `InputError`.
    package func schedule() throws -> NoiseSchedule { try NoiseSchedule(steps: steps, betas: betas) }
}

extension DiffusionConfiguration: Codable {
    private enum CodingKeys: String, CodingKey {
        case steps
        case betas
        case prediction
        case clip
    }

    /// Writes every key, with null for no clamping, to show all available settings.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(steps, forKey: .steps)
        try container.encode(betas, forKey: .betas)
        try container.encode(prediction, forKey: .prediction)
        try container.encode(clip, forKey: .clip)
    }
}
