import DPBase
import DPInterface

/// A point that moves along a line: the reward grows with its position and the task is achieved at 1.
struct LineEnvironment: SimulatedEnvironment {
    var position: Float
    var reward: Float { max(0, min(position, 1)) }
    var isSuccess: Bool { position >= 1 }
    var observation: RobotObservation { RobotObservation(vectors: ["position": [position]]) }

    /// The start depends on the seed.
    init(seed: UInt64) { position = Float(seed % 7) / 10 }

    init(position: Float) { self.position = position }

    mutating func step(_ action: [Float]) throws {
        guard action.count == 1, action[0].isFinite else { throw RefusedAction() }
        position += action[0]
    }

    func render(side: Int) -> RGBImage {
        RGBImage(width: side, height: side, filledWith: (UInt8(255 * reward), 90, 160))
    }
}

struct RefusedAction: Error, CustomStringConvertible {
    var description: String { "expected one finite number" }
}

/// A random walk that depends only on the key of the request and the newest observation.
final class RandomWalkPolicy: ChunkingPolicy {
    let horizon = Horizon(observation: 2, prediction: 5, action: 3)
    let drift: Float
    private(set) var batches: [Int] = []

    init(drift: Float) { self.drift = drift }

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        batches.append(requests.count)
        return requests.map { request in
            var noise = [Float](repeating: 0, count: horizon.prediction)
            request.key.fillNormal(&noise)
            let position = request.observations.last?.vectors["position"]?.first ?? 0
            let actions = noise.map { [drift + 0.02 * $0 - 0.001 * position] }
            return ActionChunk(prediction: actions, executed: horizon.executed)
        }
    }
}

/// A policy that returns the chunks of a function.
final class FixedPolicy: ChunkingPolicy {
    let horizon = Horizon(observation: 1, prediction: 2, action: 2)
    let answer: ([ChunkRequest]) -> [ActionChunk]
    /// Counts one action of every request as clamped.
    private(set) var clampedActions = 0
    /// The batch sizes of `prepare` and of `predictActionChunks`.
    private(set) var prepared: [Int] = []
    private(set) var received: [Int] = []

    init(_ answer: @escaping ([ChunkRequest]) -> [ActionChunk]) { self.answer = answer }

    func prepare(count: Int) { prepared.append(count) }

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        received.append(requests.count)
        clampedActions += requests.count
        return answer(requests)
    }
}
