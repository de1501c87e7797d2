import DPInterface
import DPPolicy

@testable import DPPlay

/// Plans a straight line: action `i` of a chunk is `target` plus `i` pixels to the right.
final class StraightPolicy: DenoisingPolicy {
    let horizon = Horizon(observation: 2, prediction: 8, action: 4)
    var target: SIMD2<Float> = SIMD2(100, 200)
    private(set) var received: [[ChunkRequest]] = []

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        received.append(requests)
        return requests.indices.map { item in
            ActionChunk(
                prediction: (0..<horizon.prediction).map { [target.x + Float($0), target.y + Float(10 * item)] },
                executed: horizon.executed)
        }
    }

    func predictActionChunks(
        for requests: [ChunkRequest], observing observe: (DenoisingProgress) throws -> Void
    ) throws -> [ActionChunk] {
        let chunks = try predictActionChunks(for: requests)
        for index in 0...100 {
            let actions = [Float](repeating: Float(index), count: requests.count * horizon.prediction * 2)
            try observe(DenoisingProgress(index: index, count: 100, items: 0..<requests.count, actions: actions))
        }
        return chunks
    }

    /// The policy as a `PlayedPolicy`.
    func played(_ change: (inout PlaySettings) -> Void = { _ in }) -> PlayedPolicy {
        var settings = PlaySettings(sampler: .ddim, steps: 10, executionHorizon: 4)
        change(&settings)
        let policy = Shared(policy: self)
        return PlayedPolicy(name: "straight", horizon: horizon, trainingSteps: 100, settings: settings) { _ in
            policy.policy
        }
    }

    /// The tests call it from one thread at a time.
    private struct Shared: @unchecked Sendable {
        let policy: StraightPolicy
    }
}

extension PlaySession {
    /// Performs `count` control steps; the policy serves each request immediately.
    func run(_ count: Int, answeredBy policy: StraightPolicy) throws {
        var done = 0
        while done < count {
            let outcome = try tick()
            if let request = takeRequest() {
                _ = accept(try PlanResult(to: request, of: policy) { 0 })
            }
            if outcome == .stepped { done += 1 }
            if outcome == .idle { return }
        }
    }
}
