import DPBase
package import DPInterface

/// A policy that adds small noise to the executed actions of another, so that recordings of it contain recoveries.
package final class PerturbedPolicy: ChunkingPolicy {
    private let policy: any ChunkingPolicy
    private let deviation: Float

    /// A policy that adds normal noise to the actions of another.
    /// - Parameter deviation: the standard deviation of the noise, in the units of the actions.
    package init(_ policy: any ChunkingPolicy, deviation: Float) {
        self.policy = policy
        self.deviation = deviation
    }

    /// The horizon of the perturbed policy.
    package var horizon: Horizon { policy.horizon }

    /// The clamped actions of the perturbed policy; the noise is not clamped.
    package var clampedActions: Int { policy.clampedActions }

    /// Prepares the perturbed policy.
    package func prepare(count: Int) throws { try policy.prepare(count: count) }

    /// Returns the perturbed policy's chunks with added noise, which depends only on the request's key.
    package func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        try zip(requests, policy.predictActionChunks(for: requests)).map { request, chunk in
            var chunk = chunk
            let key = request.key.folding("perturbation")
            for time in chunk.prediction.indices {
                var noise = [Float](repeating: 0, count: chunk.prediction[time].count)
                key.folding(time).fillNormal(&noise)
                for component in noise.indices {
                    chunk.prediction[time][component] += deviation * noise[component]
                    chunk.doubles?[time][component] += Double(deviation * noise[component])
                }
            }
            return chunk
        }
    }
}
