import PolicyInterface

/// Predicts the control steps that its actions are for, plus 1000 for each question that it was asked before, so that an action tells which chunk it is of and which
/// step it was meant for; and remembers the questions.
final class ScriptedPolicy: ChunkingPolicy {
    let horizon: Horizon
    private(set) var requests: [ChunkRequest] = []

    init(horizon: Horizon) { self.horizon = horizon }

    func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
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

/// What is seen at a control step.
func observation(_ step: Int) -> Observation { Observation(vectors: ["step": [Float(step)]]) }
