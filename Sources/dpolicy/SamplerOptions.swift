public import ArgumentParser
public import NoiseSchedules
import Policies

extension Sampler.Name: ExpressibleByArgument {}
extension Sampler.Spacing: ExpressibleByArgument {}

/// How actions are sampled.
struct SamplerOptions: ParsableArguments {
    @Option(help: "How actions are sampled: ddpm or ddim; the policy's own way if not given.")
    var sampler: Sampler.Name?

    @Option(
        parsing: .unconditional,
        help: "Denoising steps; the policy's own number, or with --sampler every step of the diffusion, if not given.")
    var steps: Int?

    @Option(
        help: """
            Which steps are visited: trailing (from the noisiest one down), linspace or leading; the policy's own way, or trailing with \
            another --sampler, if not given.
            """)
    var spacing: Sampler.Spacing?

    /// The sampler that was asked for, the policy's own if none was.
    /// - Throws: `ValidationError` when the policy's diffusion has too few steps.
    func choice(for configuration: PolicyConfiguration) throws -> Sampler {
        try configuration.sampler.changed(
            to: sampler, steps: steps, spacing: spacing, of: configuration.diffusion.steps)
    }
}

extension Sampler {
    /// This sampler with another name, number or spacing of steps; what is kept of the name keeps its options.
    /// - Throws: `ValidationError` when the diffusion has too few steps.
    func changed(to name: Name?, steps: Int?, spacing: Spacing? = nil, of trainingSteps: Int) throws -> Sampler {
        // Another sampler begins with the defaults.
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
