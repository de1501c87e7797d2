import DPInterface
import Testing

/// Predicts the numbers 0, 1, 2 … plus 100 for each earlier request, and records the requests.
private final class CountingPolicy: ChunkingPolicy {
    let horizon: Horizon
    var requests: [ChunkRequest] = []

    init(horizon: Horizon) {
        self.horizon = horizon
    }

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        requests.map { request in
            let start = 100 * self.requests.count
            self.requests.append(request)
            return ActionChunk(
                prediction: (0..<horizon.prediction).map { [Float(start + $0)] }, executed: horizon.executed)
        }
    }

    /// The observed numbers of each request.
    var seen: [[Float]] { requests.map { $0.observations.map { $0.vectors["step"]?[0] ?? .nan } } }
}

@Test func looksAgainAfterTheExecutedActions() throws {
    let policy = CountingPolicy(horizon: Horizon(observation: 3, prediction: 8, action: 4))
    var controller = RecedingHorizonController(policy, seed: 0)
    let actions = try (0..<10).map { try controller.action(for: observation($0))[0] }
    #expect(actions == [2, 3, 4, 5, 102, 103, 104, 105, 202, 203])
    #expect(policy.seen == [[0, 0, 0], [2, 3, 4], [6, 7, 8]])
}

@Test func resetForgetsTheEpisode() throws {
    let policy = CountingPolicy(horizon: Horizon(observation: 2, prediction: 4, action: 3))
    var controller = RecedingHorizonController(policy, seed: 5)
    for step in 0..<5 { _ = try controller.action(for: observation(step)) }
    controller.reset()
    #expect(try controller.action(for: observation(9)) == [201])
    #expect(policy.seen == [[0, 0], [2, 3], [9, 9]])
    #expect(policy.requests[2].key == policy.requests[0].key)
    #expect(policy.requests[1].key != policy.requests[0].key)
}

@Test func oneObservationIsEnough() throws {
    let policy = CountingPolicy(horizon: Horizon(observation: 1, prediction: 1, action: 1))
    var controller = RecedingHorizonController(policy, seed: 0)
    #expect(try (0..<3).map { try controller.action(for: observation($0))[0] } == [0, 100, 200])
    #expect(policy.seen == [[0], [1], [2]])
}

@Test func manyRobotsShareABatch() throws {
    let policy = CountingPolicy(horizon: Horizon(observation: 2, prediction: 4, action: 2))
    var controllers = (0..<3).map { RecedingHorizonController(policy, seed: UInt64($0)) }
    let requests = controllers.indices.compactMap { controllers[$0].observe(observation($0)) }
    #expect(requests.count == 3)
    #expect(Set(requests.map(\.key)).count == 3)
    for (index, chunk) in try policy.predictActionChunks(for: requests).enumerated() {
        controllers[index].accept(chunk)
        #expect(controllers[index].nextAction() == [Float(100 * index + 1)])
    }
    #expect(controllers[0].observe(observation(7)) == nil)
}

@Test func failureOfThePolicyIsPassedOn() {
    struct Unseeing: Error {}
    final class Failing: ChunkingPolicy {
        let horizon = Horizon()
        func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] { throw Unseeing() }
    }
    var controller = RecedingHorizonController(Failing(), seed: 0)
    #expect(throws: Unseeing.self) { try controller.action(for: RobotObservation()) }
}
