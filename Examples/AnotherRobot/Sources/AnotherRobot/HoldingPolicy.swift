import DiffusionPolicyKit

/// Keeps the arm where it is: the simplest policy that can be judged beside a learnt one.
final class HoldingPolicy: ChunkingPolicy {
    let horizon = Horizon(observation: 1, prediction: 4, action: 4)

    func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        try requests.map { request in
            guard let angles = request.observations.last?.vectors["angles"] else { throw MissingAngles() }
            return ActionChunk(
                prediction: Array(repeating: angles, count: horizon.prediction), executed: horizon.executed)
        }
    }
}

/// The observation does not say where the joints are.
struct MissingAngles: Error, CustomStringConvertible {
    var description: String { "observation: expected the field angles; add it to what the robot reports" }
}
