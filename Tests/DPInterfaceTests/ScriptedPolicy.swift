import DPInterface

/// Predicts the control steps of its actions plus 1000 for each earlier request, so that an action identifies its
/// chunk and its predicted step; records the requests.
final class ScriptedPolicy: ChunkingPolicy {
    let horizon: Horizon
    private(set) var requests: [ChunkRequest] = []

    init(horizon: Horizon) { self.horizon = horizon }

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        requests.map { request in
            defer { self.requests.append(request) }
            let first = Int(request.seen.last ?? 0) - horizon.executed.lowerBound
            let values = (first..<first + horizon.prediction).map { [Float(1000 * self.requests.count + $0)] }
            return ActionChunk(prediction: values, executed: horizon.executed)
        }
    }
}

extension ChunkRequest {
    /// The steps of the observations.
    var seen: [Float] { observations.map { $0.vectors["step"]?[0] ?? .nan } }
}

/// Returns the observation at a control step.
func observation(_ step: Int) -> RobotObservation { RobotObservation(vectors: ["step": [Float(step)]]) }
