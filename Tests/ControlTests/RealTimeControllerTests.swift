import Foundation
import PolicyInterface
import Testing

@testable import Control

/// A policy each of whose answers waits for a permission.
private final class SlowPolicy: ChunkingPolicy {
    struct Refusal: Error {}

    let horizon = Horizon(observation: 1, prediction: 8, action: 3)
    private let permissions: DispatchSemaphore
    private let failing: Set<Int>
    private var questions = 0

    init(_ permissions: DispatchSemaphore, failing: Set<Int> = []) {
        self.permissions = permissions
        self.failing = failing
    }

    func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        permissions.wait()
        defer { questions += 1 }
        if failing.contains(questions) { throw Refusal() }
        let seen = Int(requests[0].seen.last ?? 0)
        let actions = (0..<horizon.prediction).map { [Float(1000 * questions + seen + $0)] }
        return [ActionChunk(prediction: actions, executed: horizon.executed)]
    }
}

/// So many permissions: counted up, since a semaphore must not end below where it began.
private func permissions(_ count: Int) -> DispatchSemaphore {
    let semaphore = DispatchSemaphore(value: 0)
    for _ in 0..<count { semaphore.signal() }
    return semaphore
}

/// A controller that executes each action at its time.
private func controller(
    of policy: sending any ChunkingPolicy, observationLatency: Double = 0, actionLatency: Double = 0
) throws -> RealTimeController {
    try RealTimeController(
        policy, configuration: ControlConfiguration(joining: .dropping), observationLatency: observationLatency,
        actionLatency: actionLatency, key: RandomKey(seed: 1))
}

@Suite struct RealTimeControllerTests {
    @Test func theRobotGoesOnWhileThePolicyThinks() throws {
        let allowed = permissions(1)
        let robot = try controller(of: SlowPolicy(allowed))
        // Asked at step 3, and without an answer until step 5 is over.
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
        // Nothing moves before the first command takes effect, two steps later; asked again at step 5, when the world of step 3 is seen.
        #expect(try (0..<6).map { try robot.action(for: observation(max(0, $0 - 2)))[0] } == [0, 1, 2, 3, 4, 5])
        robot.worker.waitUntilIdle()
        #expect(try robot.action(for: observation(4)) == [1006])
    }

    /// A policy that is always there with the next step does what one does in simulated time that takes one step.
    @Test(arguments: [(0.0, 0.0), (0.15, 0), (0, 0.15), (0.1, 0.15)], Joining.all)
    func itIsTheControllerOfSimulatedTime(late: (observation: Double, action: Double), joining: Joining) throws {
        let (horizon, key) = (Horizon(observation: 2, prediction: 10, action: 4), RandomKey(seed: 1))
        let configuration = ControlConfiguration(joining: joining)
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
                simulated.accept(try policy.chunks(for: [request])[0])
            }
            let action = try robot.action(for: observation(max(0, step - delay)))
            robot.worker.waitUntilIdle()
            #expect(action == simulated.nextCommand().action, "step \(step)")
        }
    }

    @Test func whatIsSeenLateCountsAsOfItsTime() throws {
        let allowed = permissions(1)
        let robot = try controller(of: SlowPolicy(allowed), observationLatency: 0.15)
        // Asked at step 5, when the world of step 3 is seen.
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
        /// Answers with the steps that it saw, and fails when it is asked for the second time.
        final class Witness: ChunkingPolicy {
            struct Refusal: Error {}

            let horizon = Horizon(observation: 2, prediction: 8, action: 1)
            private var questions = 0

            func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
                defer { questions += 1 }
                if questions == 1 { throw Refusal() }
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

    @Test(arguments: [Joining.waiting, .ensembling()])
    func aPolicyThatKeepsFailingLeavesEveryOtherCallAnAction(joining: Joining) throws {
        let robot = try RealTimeController(
            SlowPolicy(permissions(20), failing: Set(1..<20)), configuration: ControlConfiguration(joining: joining),
            key: RandomKey(seed: 1))
        let actions = (0..<12).map { step in
            defer { robot.worker.waitUntilIdle() }
            return try? robot.action(for: observation(step))
        }
        // Three actions of the first chunk are executed, when it has been waited for, and then the last one is held.
        #expect(actions[0] == [0] && actions[1] == [1])
        #expect(zip(actions, actions.dropFirst()).allSatisfy { $0 != nil || $1 != nil })
        #expect(actions.contains(nil))
    }

    @Test func answersThatAreNoneAreRefused() throws {
        final class Silent: ChunkingPolicy {
            let horizon = Horizon()
            func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] { [] }
        }
        let silent = try controller(of: Silent())
        #expect(throws: UnusableAnswer(chunks: 0)) { try silent.action(for: Observation()) }
        #expect(throws: InvalidSetting.self) { try controller(of: Silent(), actionLatency: -1) }
        #expect(throws: InvalidSetting.self) { try controller(of: Silent(), observationLatency: 61) }
    }
}
