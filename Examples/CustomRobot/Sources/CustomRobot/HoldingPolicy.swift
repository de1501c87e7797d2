import DiffusionPolicyKit

/// Keeps the arm at its current position: a simple baseline for learned policies.
final class HoldingPolicy: ChunkingPolicy {
    let horizon = Horizon(observation: 1, prediction: 4, action: 4)

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        try requests.map { request in
            guard let angles = request.observations.last?.vectors["angles"] else { throw MissingAngles() }
            return ActionChunk(
                prediction: Array(repeating: angles, count: horizon.prediction), executed: horizon.executed)
        }
    }
}

/// An observation without joint angles.
struct MissingAngles: Error, CustomStringConvertible {
    var description: String { "observation: expected the feature angles; add it to the robot's observations" }
}
