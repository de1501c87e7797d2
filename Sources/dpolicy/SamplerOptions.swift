public import ArgumentParser
public import NoiseSchedules
import Policies

extension Sampler.Name: ExpressibleByArgument {}

/// How actions are sampled.
struct SamplerOptions: ParsableArguments {
    @Option(help: "How actions are sampled: ddpm or ddim; the policy's own way if not given.")
    var sampler: Sampler.Name?

    @Option(
        parsing: .unconditional,
        help: "Denoising steps; the policy's own number, or with --sampler every step of the diffusion, if not given.")
    var steps: Int?

    /// The sampler that was asked for, the policy's own if none was.
    /// - Throws: `ValidationError` when the policy's diffusion has too few steps.
    func choice(for configuration: PolicyConfiguration) throws -> Sampler {
        try configuration.sampler.changed(to: sampler, steps: steps, of: configuration.diffusion.steps)
    }
}

extension Sampler {
    /// This sampler with another name or number of steps; what is kept of the name keeps its options.
    /// - Throws: `ValidationError` when the diffusion has too few steps.
    func changed(to name: Name?, steps: Int?, of trainingSteps: Int) throws -> Sampler {
        let sampler: Sampler =
            switch (name, self) {
            case (nil, .ddpm(let own, let variance)): .ddpm(steps: steps ?? own, variance: variance)
            case (nil, .ddim(let own, let eta)): .ddim(steps: steps ?? own, eta: eta)
            case (.ddpm, .ddpm(_, let variance)): .ddpm(steps: steps, variance: variance)
            case (.ddim, .ddim(_, let eta)): .ddim(steps: steps, eta: eta)
            case (.ddpm, .ddim): .ddpm(steps: steps)
            case (.ddim, .ddpm): .ddim(steps: steps)
            }
        try checkingUsage { try sampler.validate(trainingSteps: trainingSteps) }
        return sampler
    }
}
