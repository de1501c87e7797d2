import DPBase
import Foundation
import Testing

@testable import DPInterface

/// A policy that waits for a permission before each prediction.
private final class SlowPolicy: ChunkingPolicy {
    struct Refusal: Error {}

    let horizon = Horizon(observation: 1, prediction: 8, action: 3)
    private let permissions: DispatchSemaphore
    private let failing: Set<Int>
    private var calls = 0

    init(_ permissions: DispatchSemaphore, failing: Set<Int> = []) {
        self.permissions = permissions
        self.failing = failing
    }

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        permissions.wait()
        defer { calls += 1 }
        if failing.contains(calls) { throw Refusal() }
        let seen = Int(requests[0].seen.last ?? 0)
        let actions = (0..<horizon.prediction).map { [Float(1000 * calls + seen + $0)] }
        return [ActionChunk(prediction: actions, executed: horizon.executed)]
    }
}

/// Returns the given number of permissions: counted up, because a semaphore must not end below its initial value.
private func permissions(_ count: Int) -> DispatchSemaphore {
    let semaphore = DispatchSemaphore(value: 0)
    for _ in 0..<count { semaphore.signal() }
    return semaphore
}

/// Returns a controller that executes each action at its time.
private func controller(
    of policy: sending any ChunkingPolicy, observationLatency: Double = 0, actionLatency: Double = 0
) throws -> RealTimeController {
    try RealTimeController(
        policy, configuration: ControlConfiguration(merging: .skipStale), observationLatency: observationLatency,
        actionLatency: actionLatency, key: RandomKey(seed: 1))
}

@Suite struct RealTimeControllerTests {
    @Test func theRobotGoesOnWhileThePolicyThinks() throws {
        let allowed = permissions(1)
        let robot = try controller(of: SlowPolicy(allowed))
        // Requested at step 3; the chunk arrives only after step 5.
        let before = try (0..<6).map { try robot.action(for: observation($0))[0] }
        #expect(before == [0, 1, 2, 3, 4, 5])
        allowed.signal()
        robot.worker.waitUntilIdle()
        #expect(try robot.action(for: observation(6)) == [1006])
        allowed.signal()
    }

    @Test func commandsAreForTheTimeAtWhichTheyTakeEffect() throws {
        let allowed = permissions(2)
        let robot = try controller(of: SlowPolicy(allowed), actionLatency: 0.15)
        // Nothing moves before the first command takes effect, two steps later; the next request is at step 5, with
        // the observation of step 3.
        #expect(try (0..<6).map { try robot.action(for: observation(max(0, $0 - 2)))[0] } == [0, 1, 2, 3, 4, 5])
        robot.worker.waitUntilIdle()
        #expect(try robot.action(for: observation(4)) == [1006])
    }

    /// A policy that always finishes before the next step acts like one that takes one step in simulated time.
    @Test(arguments: [(0.0, 0.0), (0.15, 0), (0, 0.15), (0.1, 0.15)], ChunkMerging.all)
    func itIsTheControllerOfSimulatedTime(late: (observation: Double, action: Double), merging: ChunkMerging) throws {
        let (horizon, key) = (Horizon(observation: 2, prediction: 10, action: 4), RandomKey(seed: 1))
        let configuration = ControlConfiguration(merging: merging)
        let robot = try RealTimeController(
            ScriptedPolicy(horizon: horizon), configuration: configuration, observationLatency: late.observation,
            actionLatency: late.action, key: key)
        let latency = SimulatedLatency(observation: late.observation, computation: 0.1, action: late.action)
        var simulated = SimulatedTimeController(
            horizon: horizon, configuration: configuration, latency: latency, key: key)
        let policy = ScriptedPolicy(horizon: horizon)
        let delay = configuration.steps(for: late.observation) + configuration.steps(for: late.action)
        for step in 0..<30 {
            if let request = simulated.observe(observation(step)) {
                simulated.accept(try policy.predictActionChunks(for: [request])[0])
            }
            let action = try robot.action(for: observation(max(0, step - delay)))
            robot.worker.waitUntilIdle()
            #expect(action == simulated.nextCommand().action, "step \(step)")
        }
    }

    @Test func whatIsSeenLateCountsAsOfItsTime() throws {
        let allowed = permissions(1)
        let robot = try controller(of: SlowPolicy(allowed), observationLatency: 0.15)
        // Requested at step 5, with the observation of step 3.
        let before = try (0..<6).map { try robot.action(for: observation(max(0, $0 - 2)))[0] }
        #expect(before == [0, 1, 2, 3, 4, 5])
        allowed.signal()
        robot.worker.waitUntilIdle()
        #expect(try robot.action(for: observation(4)) == [1006])
    }

    @Test func noTimePassesUntilThereIsAFirstCommand() throws {
        let robot = try controller(of: SlowPolicy(permissions(2), failing: [0]), actionLatency: 0.15)
        #expect(throws: SlowPolicy.Refusal.self) { try robot.action(for: observation(0)) }
        #expect(try (0..<4).map { try robot.action(for: observation(max(0, $0 - 2)))[0] } == [1000, 1001, 1002, 1003])
    }

    @Test func resetWaitsAndStartsOver() throws {
        let allowed = permissions(3)
        let robot = try controller(of: SlowPolicy(allowed))
        for step in 0..<4 { _ = try robot.action(for: observation(step)) }
        robot.reset()
        #expect(try robot.action(for: observation(40)) == [2040])
    }

    @Test func aFailureIsToldOnceAndAskedAgain() throws {
        let allowed = permissions(10)
        let robot = try controller(of: SlowPolicy(allowed, failing: [0, 2]))
        #expect(throws: SlowPolicy.Refusal.self) { try robot.action(for: observation(0)) }
        #expect(try robot.action(for: observation(1)) == [1001])
        #expect(try (2..<5).map { try robot.action(for: observation($0))[0] } == [1002, 1003, 1004])
        robot.worker.waitUntilIdle()
        #expect(throws: SlowPolicy.Refusal.self) { try robot.action(for: observation(5)) }
        #expect(try robot.action(for: observation(6)) == [1006])
        #expect(try robot.action(for: observation(7)) == [1007])
        robot.worker.waitUntilIdle()
        #expect(try robot.action(for: observation(8)) == [3008])
    }

    @Test func whatIsSeenCountsThoughAnAnswerFailed() throws {
        /// Returns the observed steps as actions, and fails at the second request.
        final class Witness: ChunkingPolicy {
            struct Refusal: Error {}

            let horizon = Horizon(observation: 2, prediction: 8, action: 1)
            private var calls = 0

            func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
                defer { calls += 1 }
                if calls == 1 { throw Refusal() }
                let actions = Array(repeating: requests[0].seen, count: horizon.prediction)
                return [ActionChunk(prediction: actions, executed: horizon.executed)]
            }
        }
        let robot = try controller(of: Witness())
        #expect(try (0..<2).map { try robot.action(for: observation($0)) } == [[0, 0], [0, 0]])
        robot.worker.waitUntilIdle()
        #expect(throws: Witness.Refusal.self) { try robot.action(for: observation(2)) }
        #expect(try robot.action(for: observation(3)) == [0, 0])
        robot.worker.waitUntilIdle()
        #expect(try robot.action(for: observation(4)) == [2, 3])
    }

    @Test(arguments: [ChunkMerging.synchronous, .temporalEnsembling()])
    func aPolicyThatKeepsFailingLeavesEveryOtherCallAnAction(merging: ChunkMerging) throws {
        let robot = try RealTimeController(
            SlowPolicy(permissions(20), failing: Set(1..<20)), configuration: ControlConfiguration(merging: merging),
            key: RandomKey(seed: 1))
        let actions = (0..<12).map { step in
            defer { robot.worker.waitUntilIdle() }
            return try? robot.action(for: observation(step))
        }
        // After the wait for the first chunk, its three actions are executed, and then the last one is held.
        #expect(actions[0] == [0] && actions[1] == [1])
        #expect(zip(actions, actions.dropFirst()).allSatisfy { $0 != nil || $1 != nil })
        #expect(actions.contains(nil))
    }

    @Test func answersThatAreNoneAreRefused() throws {
        final class Silent: ChunkingPolicy {
            let horizon = Horizon()
            func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] { [] }
        }
        let silent = try controller(of: Silent())
        #expect(throws: InputError.wrongChunkCount(requests: 1, chunks: 0)) {
            try silent.action(for: RobotObservation())
        }
        #expect(throws: InputError.self) { try controller(of: Silent(), actionLatency: -1) }
        #expect(throws: InputError.self) { try controller(of: Silent(), observationLatency: 61) }
    }
}
