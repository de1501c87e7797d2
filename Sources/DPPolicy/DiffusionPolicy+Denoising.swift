package import DPInterface

extension DiffusionPolicy: DenoisingPolicy {
    /// Predicts a chunk for each request and passes the starting noise and the result of every denoising step to
    /// `observe`.
    /// - Throws: the errors of `predictActionChunks(for:)`, or of `observe`.
    package func predictActionChunks(
        for requests: [ChunkRequest], observing observe: (DenoisingProgress) throws -> Void
    ) throws -> [ActionChunk] {
        try predictActionChunks(for: requests) { loop, items, steps in
            var actions: [Float] = []
            actions.reserveCapacity(items.count * horizon.prediction * configuration.action.dimension)
            appendActions(of: items.count, from: loop, to: &actions)
            normalizer.action.invert(&actions)
            try observe(DenoisingProgress(index: steps, count: loop.steps, items: items, actions: actions))
        }
    }

    /// Returns a policy with the same weights and another sampler.
    ///
    /// It compiles its own plans; its results are those of a policy that was loaded with this sampler.
    /// - Throws: `InputError` when the sampler does not fit the diffusion.
    package func sampling(by sampler: Sampler) throws -> DiffusionPolicy {
        try DiffusionPolicy(
            model, parameters: parameters, normalizer: normalizer, sampler: sampler, backend: backend)
    }
}
