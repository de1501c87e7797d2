import PolicyInterface

/// How noise is turned into a sample, step by step.
///
/// Encoded as `{name: ddpm, steps: …, variance: …}` or `{name: ddim, steps: …, eta: …}`; a bare `ddpm` or `ddim` stands for the
/// defaults.
public enum Sampler: Sendable, Hashable {
    /// The stochastic sampler of Ho et al. 2020; all steps of the diffusion when `steps` is nil.
    case ddpm(steps: Int? = nil, variance: Variance = .fixedSmall)
    /// The implicit sampler of Song et al. 2021, which needs few steps; all steps of the diffusion when `steps` is nil.
    ///
    /// With `eta` 0 it adds no noise; with 1 it adds as much as DDPM with the small variance.
    case ddim(steps: Int? = nil, eta: Double = 0)

    /// The variance of the noise that a DDPM step adds: section 3.2 of Ho, Jain and Abbeel (2020).
    public enum Variance: String, Codable, Sendable, Hashable, CaseIterable {
        /// The posterior's variance when the data are a single point, `(1 − ᾱ[t−1]) / (1 − ᾱ[t]) · β[t]`.
        case fixedSmall = "fixed_small"
        /// The posterior's variance when the data are normal, `β[t]`.
        case fixedLarge = "fixed_large"
    }

    /// A kind of sampler, without its options.
    public enum Name: String, Codable, Sendable, Hashable, CaseIterable {
        /// The stochastic sampler of Ho et al. 2020.
        case ddpm
        /// The implicit sampler of Song et al. 2021.
        case ddim
    }

    /// Which kind of sampler it is.
    public var name: Name {
        switch self {
        case .ddpm: .ddpm
        case .ddim: .ddim
        }
    }

    /// How many steps the sampler was asked for; nil stands for all of the diffusion.
    public var steps: Int? {
        switch self {
        case .ddpm(let steps, _), .ddim(let steps, _): steps
        }
    }

    /// Whether the steps add fresh noise.
    public var isStochastic: Bool {
        switch self {
        case .ddpm: true
        case .ddim(_, let eta): eta > 0
        }
    }

    /// The sampler in two words, for people: `ddim 10`.
    /// - Parameter trainingSteps: how many steps the diffusion has.
    public func summary(trainingSteps: Int) -> String {
        "\(name.rawValue) \(steps ?? trainingSteps)"
    }

    /// Checks that a diffusion has the steps that the sampler wants to visit.
    /// - Parameter trainingSteps: how many steps the diffusion has.
    /// - Throws: `InvalidSetting`.
    public func validate(trainingSteps: Int) throws {
        if let steps, !(1 <= steps && steps <= trainingSteps) {
            throw InvalidSetting(
                key: "sampler.steps", expected: "1...\(trainingSteps), the steps of the diffusion", found: steps)
        }
        if case .ddim(_, let eta) = self, !(0 <= eta && eta <= 1) {
            throw InvalidSetting(key: "sampler.eta", expected: "a number in 0...1", found: eta)
        }
    }

    /// The table of this sampler's steps, the noisiest first.
    ///
    /// The steps visited are evenly spaced and end at 0 (diffusers' `leading` spacing with offset 0): 10 of 100 are 90, 80 … 0, and
    /// 16 of 100, whose distance is rounded down to 6, are 90, 84 … 0. Behind the last one the sample is clean, ᾱ = 1.
    /// - Throws: `InvalidSetting` when the diffusion has fewer steps than asked for.
    public func table(for prediction: Prediction, schedule: NoiseSchedule) throws -> [SamplingStep] {
        try validate(trainingSteps: schedule.steps)
        let count = steps ?? schedule.steps
        let distance = schedule.steps / count
        return (0..<count).reversed().map { index in
            let timestep = index * distance
            return switch self {
            case .ddpm(_, let variance):
                .ddpm(
                    from: timestep, to: timestep - distance, variance: variance, prediction: prediction,
                    schedule: schedule)
            case .ddim(_, let eta):
                .ddim(from: timestep, to: timestep - distance, eta: eta, prediction: prediction, schedule: schedule)
            }
        }
    }
}

extension Sampler: Codable {
    private enum CodingKeys: String, CodingKey {
        case name
        case steps
        case variance
        case eta
    }

    /// Reads a name, or a name with its options.
    public init(from decoder: any Decoder) throws {
        let fields = try? decoder.container(keyedBy: CodingKeys.self)
        let steps = try fields?.decodeIfPresent(Int.self, forKey: .steps)
        switch try fields?.decode(Name.self, forKey: .name) ?? Name(from: decoder) {
        case .ddpm:
            let variance = try fields?.decodeIfPresent(Variance.self, forKey: .variance)
            self = .ddpm(steps: steps, variance: variance ?? .fixedSmall)
        case .ddim:
            let eta = try fields?.decodeIfPresent(Double.self, forKey: .eta)
            self = .ddim(steps: steps, eta: eta ?? 0)
        }
    }

    /// Writes the name and every option, with null for all steps, so that a reader sees what can be set.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(steps, forKey: .steps)
        try fields.encode(name, forKey: .name)
        switch self {
        case .ddpm(_, let variance): try fields.encode(variance, forKey: .variance)
        case .ddim(_, let eta): try fields.encode(eta, forKey: .eta)
        }
    }
}
