public import NoiseSchedules
public import PolicyInterface

extension DiffusionPolicy: RefiningPolicy {
    /// Predicts a chunk for each request and shows the noise that each begins with and what every denoising step makes of it.
    /// - Throws: as `chunks(for:)`, or what `observe` throws.
    public func chunks(
        for requests: [ChunkRequest], observing observe: (RefinementStep) throws -> Void
    ) throws -> [ActionChunk] {
        try chunks(for: requests) { loop, items, steps in
            var actions: [Float] = []
            actions.reserveCapacity(items.count * horizon.prediction * configuration.action.dimension)
            appendActions(of: items.count, from: loop, to: &actions)
            normaliser.action.invert(&actions)
            try observe(RefinementStep(index: steps, count: loop.steps, items: items, actions: actions))
        }
    }

    /// A policy over the same weights that samples in another way.
    ///
    /// It compiles plans of its own; its answers are those of a policy that was loaded with this sampler.
    /// - Throws: `InvalidSetting` when the diffusion does not have the steps that the sampler wants.
    public func sampling(by sampler: Sampler) throws -> DiffusionPolicy {
        try DiffusionPolicy(
            model, parameters: parameters, normaliser: normaliser, sampler: sampler, backend: backend)
    }
}
