public import PolicyInterface

/// A policy whose executed actions are disturbed a little, so that a recording of it shows how to recover.
public final class PerturbedPolicy: ChunkingPolicy {
    private let policy: any ChunkingPolicy
    private let deviation: Float

    /// A policy that adds normal noise to the actions of another.
    /// - Parameter deviation: the standard deviation of the noise, in the units of the actions.
    public init(_ policy: any ChunkingPolicy, deviation: Float) {
        self.policy = policy
        self.deviation = deviation
    }

    /// As the policy's that is disturbed.
    public var horizon: Horizon { policy.horizon }

    /// As many as of the policy that is disturbed; the noise is not clamped.
    public var clampedActions: Int { policy.clampedActions }

    /// Prepares the policy that is disturbed.
    public func prepare(count: Int) throws { try policy.prepare(count: count) }

    /// The other's chunks with noise added, which depends on nothing but the request's key.
    public func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        try zip(requests, policy.chunks(for: requests)).map { request, chunk in
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
