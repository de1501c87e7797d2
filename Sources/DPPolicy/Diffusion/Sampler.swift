import DPBase

/// The method that turns noise into a sample, step by step.
///
/// Encoded as `{name: ddpm, steps: …, spacing: …, variance: …}` or `{name: ddim, steps: …, spacing: …, eta: …}`; a
/// bare `ddpm` or `ddim` selects the defaults.
///
/// ```swift
/// var recipe = try RecipeFile.read("pusht-lowdim")
/// recipe.policy.sampler = .ddim(steps: 10)  // the policy's default; each program may choose another one
/// let precise = try DiffusionPolicy(contentsOf: "runs/pusht/policy", sampler: .ddpm())
/// ```
public enum Sampler: Sendable, Hashable {
    /// The stochastic sampler of Ho et al. 2020; all steps of the diffusion when `steps` is nil.
    case ddpm(steps: Int? = nil, variance: Variance = .fixedSmall, spacing: Spacing = .trailing)
    /// The implicit sampler of Song et al. 2021, which needs few steps; all steps of the diffusion when `steps` is nil.
    ///
    /// With `eta` 0 it adds no noise; with 1 it adds as much as DDPM with the small variance.
    case ddim(steps: Int? = nil, eta: Double = 0, spacing: Spacing = .trailing)

    /// Every sampler, with its default options.
    package static let choices: [Sampler] = [.ddpm(), .ddim()]

    /// The variance of the noise that a DDPM step adds: section 3.2 of Ho, Jain, and Abbeel (2020).
    ///
    /// ```swift
    /// var recipe = try RecipeFile.read("pusht-lowdim")
    /// recipe.policy.sampler = .ddpm(variance: .fixedLarge)
    /// ```
    public enum Variance: String, Codable, Sendable, Hashable, CaseIterable {
        /// The posterior's variance when the data are a single point, `(1 − ᾱ[t−1]) / (1 − ᾱ[t]) · β[t]`.
        case fixedSmall = "fixed_small"
        /// The posterior's variance when the data are normal, `β[t]`.
        case fixedLarge = "fixed_large"
    }

    /// A kind of sampler, without its options.
    package enum Name: String, Codable, Sendable, Hashable, CaseIterable {
        /// The stochastic sampler of Ho et al. 2020.
        case ddpm
        /// The implicit sampler of Song et al. 2021.
        case ddim
    }

    /// The kind of the sampler.
    package var name: Name {
        switch self {
        case .ddpm: .ddpm
        case .ddim: .ddim
        }
    }

    /// The configured number of steps; nil for all steps of the diffusion.
    package var steps: Int? {
        switch self {
        case .ddpm(let steps, _, _), .ddim(let steps, _, _): steps
        }
    }

    /// The spacing of the visited steps.
    package var spacing: Spacing {
        switch self {
        case .ddpm(_, _, let spacing), .ddim(_, _, let spacing): spacing
        }
    }

    /// Whether the steps add fresh noise.
    package var isStochastic: Bool {
        switch self {
        case .ddpm: true
        case .ddim(_, let eta, _): eta > 0
        }
    }

    /// Returns a short human-readable summary: `ddim 10`, or `ddim 10 leading` if the spacing is not the default.
    /// - Parameter trainingSteps: the number of diffusion steps.
    package func summary(trainingSteps: Int) -> String {
        let count = steps ?? trainingSteps
        let isUsual = spacing == .trailing || count == trainingSteps
        return "\(name.rawValue) \(count)" + (isUsual ? "" : " \(spacing.rawValue)")
    }

    /// Checks that the sampler's number of steps fits the diffusion and that eta is valid.
    /// - Parameter trainingSteps: the number of diffusion steps.
    /// - Throws: `InputError`.
    package func validate(trainingSteps: Int) throws {
        if let steps, !(1 <= steps && steps <= trainingSteps) {
            throw InputError(
                key: "sampler.steps", expected: "1...\(trainingSteps), the steps of the diffusion", found: steps)
        }
        if case .ddim(_, let eta, _) = self, !(0 <= eta && eta <= 1) {
            throw InputError(key: "sampler.eta", expected: "a number in 0...1", found: eta)
        }
    }

    /// Returns the table of this sampler's steps, the noisiest first.
    ///
    /// Each step leads to the next visited step; after the last step the sample is clean, ᾱ = 1.
    /// - Throws: `InputError` when the diffusion has fewer steps than the sampler.
    package func table(for prediction: Prediction, schedule: NoiseSchedule) throws -> [SamplingStep] {
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

    /// Returns a warning about a sampler that begins far below the noisiest step; nil for any other sampler.
    ///
    /// Sampling starts from pure noise, whichever step it begins at. At a step where a diffused sample still
    /// contains much of the clean sample, the network treats the noise as signal. The limit is a fraction √ᾱ of the
    /// clean sample that is 0.2 above that of the noisiest step.
    /// - Throws: `InputError` when the diffusion has fewer steps than the sampler.
    package func remark(on schedule: NoiseSchedule) throws -> String? {
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
    /// A number of steps without a spacing is read as `leading`, the only spacing when policies were stored without
    /// one. With all steps, every spacing is the same.
    public init(from decoder: any Decoder) throws {
        let container = try? decoder.container(keyedBy: CodingKeys.self)
        let steps = try container?.decodeIfPresent(Int.self, forKey: .steps)
        let spacing =
            try container?.decodeIfPresent(Spacing.self, forKey: .spacing) ?? (steps == nil ? .trailing : .leading)
        switch try container?.decode(Name.self, forKey: .name) ?? Name(from: decoder) {
        case .ddpm:
            let variance = try container?.decodeIfPresent(Variance.self, forKey: .variance)
            self = .ddpm(steps: steps, variance: variance ?? .fixedSmall, spacing: spacing)
        case .ddim:
            let eta = try container?.decodeIfPresent(Double.self, forKey: .eta)
            self = .ddim(steps: steps, eta: eta ?? 0, spacing: spacing)
        }
    }

    /// Writes the name and every option, with null for all steps, to show all available settings.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(steps, forKey: .steps)
        try container.encode(name, forKey: .name)
        try container.encode(spacing, forKey: .spacing)
        switch self {
        case .ddpm(_, let variance, _): try container.encode(variance, forKey: .variance)
        case .ddim(_, let eta, _): try container.encode(eta, forKey: .eta)
        }
    }
}
