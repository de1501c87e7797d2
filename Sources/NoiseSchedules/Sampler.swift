import PolicyInterface

/// How noise is turned into a sample, step by step.
///
/// Encoded as `{name: ddpm, steps: …, spacing: …, variance: …}` or `{name: ddim, steps: …, spacing: …, eta: …}`; a bare `ddpm` or `ddim`
/// stands for the defaults.
public enum Sampler: Sendable, Hashable {
    /// The stochastic sampler of Ho et al. 2020; all steps of the diffusion when `steps` is nil.
    case ddpm(steps: Int? = nil, variance: Variance = .fixedSmall, spacing: Spacing = .trailing)
    /// The implicit sampler of Song et al. 2021, which needs few steps; all steps of the diffusion when `steps` is nil.
    ///
    /// With `eta` 0 it adds no noise; with 1 it adds as much as DDPM with the small variance.
    case ddim(steps: Int? = nil, eta: Double = 0, spacing: Spacing = .trailing)

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
        case .ddpm(let steps, _, _), .ddim(let steps, _, _): steps
        }
    }

    /// Which steps of the diffusion are visited.
    public var spacing: Spacing {
        switch self {
        case .ddpm(_, _, let spacing), .ddim(_, _, let spacing): spacing
        }
    }

    /// Whether the steps add fresh noise.
    public var isStochastic: Bool {
        switch self {
        case .ddpm: true
        case .ddim(_, let eta, _): eta > 0
        }
    }

    /// The sampler in a few words, for people: `ddim 10`, or `ddim 10 leading` if its spacing is not the usual one.
    /// - Parameter trainingSteps: how many steps the diffusion has.
    public func summary(trainingSteps: Int) -> String {
        let count = steps ?? trainingSteps
        let isUsual = spacing == .trailing || count == trainingSteps
        return "\(name.rawValue) \(count)" + (isUsual ? "" : " \(spacing.rawValue)")
    }

    /// Checks that a diffusion has the steps that the sampler wants to visit.
    /// - Parameter trainingSteps: how many steps the diffusion has.
    /// - Throws: `InvalidSetting`.
    public func validate(trainingSteps: Int) throws {
        if let steps, !(1 <= steps && steps <= trainingSteps) {
            throw InvalidSetting(
                key: "sampler.steps", expected: "1...\(trainingSteps), the steps of the diffusion", found: steps)
        }
        if case .ddim(_, let eta, _) = self, !(0 <= eta && eta <= 1) {
            throw InvalidSetting(key: "sampler.eta", expected: "a number in 0...1", found: eta)
        }
    }

    /// The table of this sampler's steps, the noisiest first.
    ///
    /// Each step leads to the next one that is visited; behind the last one the sample is clean, ᾱ = 1.
    /// - Throws: `InvalidSetting` when the diffusion has fewer steps than asked for.
    public func table(for prediction: Prediction, schedule: NoiseSchedule) throws -> [SamplingStep] {
        try validate(trainingSteps: schedule.steps)
        let visited = spacing.timesteps(steps ?? schedule.steps, of: schedule.steps)
        return zip(visited, visited.dropFirst() + [-1]).map { timestep, next in
            switch self {
            case .ddpm(_, let variance, _):
                .ddpm(from: timestep, to: next, variance: variance, prediction: prediction, schedule: schedule)
            case .ddim(_, let eta, _):
                .ddim(from: timestep, to: next, eta: eta, prediction: prediction, schedule: schedule)
            }
        }
    }

    /// What is to be said of a sampler that begins far below the noisiest step; nil for any other.
    ///
    /// The sample is pure noise at first, whatever the network is told. Where a diffused sample would still hold much of the clean one, the
    /// network takes the noise for signal. The limit is a share √ᾱ of the clean sample that is 0.2 above that of the noisiest step.
    /// - Throws: `InvalidSetting` when the diffusion has fewer steps than asked for.
    public func remark(on schedule: NoiseSchedule) throws -> String? {
        try validate(trainingSteps: schedule.steps)
        let count = steps ?? schedule.steps
        guard let first = spacing.timesteps(count, of: schedule.steps).first,
            schedule.sampleScales[first] - schedule.sampleScales[schedule.steps - 1] > 0.2
        else { return nil }
        let share = Int((100 * schedule.sampleScales[first]).rounded())
        return """
            sampler \(summary(trainingSteps: schedule.steps)): expected pure noise at the first step, found step \(first) of \
            0...\(schedule.steps - 1), where \(share) % of the clean sample is left; actions will be wrong; use spacing trailing, or \
            another number of steps
            """
    }
}

extension Sampler: Codable {
    private enum CodingKeys: String, CodingKey {
        case name
        case steps
        case spacing
        case variance
        case eta
    }

    /// Reads a name, or a name with its options.
    ///
    /// A number of steps without a spacing is read as `leading`, which was the only one when policies were stored without it. All steps are
    /// the same in any spacing.
    public init(from decoder: any Decoder) throws {
        let fields = try? decoder.container(keyedBy: CodingKeys.self)
        let steps = try fields?.decodeIfPresent(Int.self, forKey: .steps)
        let spacing =
            try fields?.decodeIfPresent(Spacing.self, forKey: .spacing) ?? (steps == nil ? .trailing : .leading)
        switch try fields?.decode(Name.self, forKey: .name) ?? Name(from: decoder) {
        case .ddpm:
            let variance = try fields?.decodeIfPresent(Variance.self, forKey: .variance)
            self = .ddpm(steps: steps, variance: variance ?? .fixedSmall, spacing: spacing)
        case .ddim:
            let eta = try fields?.decodeIfPresent(Double.self, forKey: .eta)
            self = .ddim(steps: steps, eta: eta ?? 0, spacing: spacing)
        }
    }

    /// Writes the name and every option, with null for all steps, so that a reader sees what can be set.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(steps, forKey: .steps)
        try fields.encode(name, forKey: .name)
        try fields.encode(spacing, forKey: .spacing)
        switch self {
        case .ddpm(_, let variance, _): try fields.encode(variance, forKey: .variance)
        case .ddim(_, let eta, _): try fields.encode(eta, forKey: .eta)
        }
    }
}
