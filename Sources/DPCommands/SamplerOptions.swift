public import ArgumentParser
public import DPPolicy

extension Sampler.Name: ExpressibleByArgument {}
extension Sampler.Spacing: ExpressibleByArgument {}

/// Options of the sampler.
struct SamplerOptions: ParsableArguments {
    @Option(help: "Sampler: ddpm or ddim; default: the policy's own.")
    var sampler: Sampler.Name?

    @Option(
        parsing: .unconditional,
        help: "Denoising steps; default: the policy's own number, or all diffusion steps with --sampler.")
    var steps: Int?

    @Option(
        help: """
            Timestep spacing: trailing (from the noisiest step down), linspace or leading; default: the policy's \
            own, or trailing with another --sampler.
            """)
    var spacing: Sampler.Spacing?

    /// Returns the requested sampler, or the policy's own.
    /// - Throws: `ValidationError` when the policy's diffusion has too few steps.
    func choice(for configuration: PolicyConfiguration) throws -> Sampler {
        try configuration.sampler.changed(
            to: sampler, steps: steps, spacing: spacing, of: configuration.diffusion.steps)
    }
}

extension Sampler {
    /// Returns this sampler with another name, number of steps or spacing.
    ///
    /// Other options are kept if the name stays the same.
    /// - Throws: `ValidationError` when the diffusion has too few steps.
    func changed(to name: Name?, steps: Int?, spacing: Spacing? = nil, of trainingSteps: Int) throws -> Sampler {
        // A different sampler starts from its defaults.
        let isSame = name == nil || name == self.name
        let steps = steps ?? (name == nil ? self.steps : nil)
        let spacing = spacing ?? (isSame ? self.spacing : .trailing)
        let sampler: Sampler =
            switch (name ?? self.name, self) {
            case (.ddpm, .ddpm(_, let variance, _)): .ddpm(steps: steps, variance: variance, spacing: spacing)
            case (.ddim, .ddim(_, let eta, _)): .ddim(steps: steps, eta: eta, spacing: spacing)
            case (.ddpm, .ddim): .ddpm(steps: steps, spacing: spacing)
            case (.ddim, .ddpm): .ddim(steps: steps, spacing: spacing)
            }
        try checkingUsage { try sampler.validate(trainingSteps: trainingSteps) }
        return sampler
    }
}
