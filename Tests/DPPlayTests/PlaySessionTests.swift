import DPBase
import DPInterface
import DPPushT
import Testing

@testable import DPPlay

/// The scene in which a policy plays.
@Suite struct PlaySessionTests {
    let policy = StraightPolicy()

    @Test func scoreMatchesTheSimulator() throws {
        let session = PlaySession(policy.played(), seed: 5)
        try session.run(10, answeredBy: policy)
        let environment = PushTEnvironment(seed: 5)
        // The actions 1 ... 4 of each chunk are executed, for three chunks.
        for step in 0..<10 { try environment.step(toward: SIMD2(Double(101 + step % 4), 200)) }
        let frame = session.frame
        #expect(frame.step == 10)
        #expect(frame.agent + frame.block == environment.state.values)
        #expect(frame.coverage == environment.coverage)
        #expect(frame.target == [102, 200])
        #expect(policy.received.count == 3)
    }

    @Test func waitsOnlyForTheResult() throws {
        let session = PlaySession(policy.played { $0.latency = 2 }, seed: 5)
        let start = session.frame.agent
        #expect(try session.tick() == .stepped)
        let request = try #require(session.takeRequest())
        #expect(request.step == 0)
        #expect(session.takeRequest() == nil)
        #expect(try session.tick() == .stepped)
        #expect(session.frame.agent == start, "without a plan the pusher stays")
        // The latency has passed, but the result has not arrived.
        #expect(try session.tick() == .waiting)
        #expect(try session.tick() == .waiting)
        #expect(session.frame.step == 2)
        #expect(session.frame.isWaiting)
        try session.perform(.pause)
        #expect(!session.frame.isWaiting, "a paused scene does not wait")
        try session.perform(.run)
        let plan = try #require(session.accept(PlanResult(to: request, of: policy) { 0 }))
        #expect(plan.step == 2, "no action was executed until then")
        #expect(try session.tick() == .stepped)
        #expect(!session.frame.isWaiting)
        #expect(session.frame.target == [101, 200])
        #expect(session.accept(try PlanResult(to: request, of: policy) { 0 }) == nil, "it was accepted before")
    }

    @Test func latencyDelaysByWholeSteps() throws {
        for latency in [0, 3] {
            let session = PlaySession(policy.played { ($0.latency, $0.merging) = (latency, .naiveAsync) }, seed: 5)
            var targets: [Double] = []
            for _ in 0..<12 {
                try session.run(1, answeredBy: policy)
                targets.append(session.frame.target?[0] ?? 0)
            }
            let start = PushTEnvironment(seed: 5).state.agent.x
            #expect(Array(targets[..<latency]) == Array(repeating: start, count: latency))
            // The result of the request after four actions arrives `latency` steps later; until then, the last
            // action is held.
            let chunk = (0..<4 + latency).map { Double(min(101 + $0, 104)) }
            #expect(Array(targets[latency..<latency + chunk.count]) == chunk)
            #expect(targets[latency + chunk.count] == 101)
        }
    }

    /// The actions that are drawn strong are those that will be executed.
    @Test(arguments: [ChunkMerging.skipStale, .linearBlend(), .warmStart()])
    func shownPlansOmitStaleActions(merging: ChunkMerging) throws {
        let session = PlaySession(policy.played { ($0.latency, $0.merging) = (3, merging) }, seed: 5)
        var shown: [(requested: Int, plan: ScenePlan)] = []
        for _ in 0..<20 {
            _ = try session.tick()
            guard let request = session.takeRequest() else { continue }
            let plan = try #require(session.accept(PlanResult(to: request, of: policy) { 0 }))
            shown.append((request.step, plan))
        }
        #expect(shown.count >= 4)
        #expect(shown.allSatisfy { $0.plan.step == $0.requested + 3 })
        #expect(shown[0].plan.executed == [1, 5], "the first chunk waits, and starts at its first action")
        #expect(shown.dropFirst().allSatisfy { $0.plan.executed == [4, 8] })
    }

    @Test func aLatencyAsLongAsTheChunkShowsItsEnd() throws {
        let session = PlaySession(policy.played { ($0.latency, $0.merging) = (10, .skipStale) }, seed: 5)
        var plans: [ScenePlan] = []
        for _ in 0..<30 {
            _ = try session.tick()
            guard let request = session.takeRequest() else { continue }
            plans.append(try #require(session.accept(PlanResult(to: request, of: policy) { 0 })))
        }
        // A request follows each result except the first one, before which no action was executed.
        #expect(plans.map(\.step) == [10, 24, 34])
        #expect(plans.dropFirst().allSatisfy { $0.executed == [7, 8] })
    }

    @Test func hidesLatencyByDefault() throws {
        let session = PlaySession(policy.played(), seed: 5)
        #expect(session.frame.merging == "synchronous")
        try session.run(9, answeredBy: policy)
        #expect(policy.received.count == 3)
        #expect(policy.received.joined().allSatisfy { $0.start == nil }, "without latency, plans start from noise")
        var settings = session.settings
        settings.latency = 2
        try session.perform(.settings(settings))
        #expect(session.frame.merging == ControlConfiguration().merging.description)
        try session.run(9, answeredBy: policy)
        #expect(policy.received.last?.first?.start != nil)
        settings.merging = .naiveAsync
        try session.perform(.settings(settings))
        #expect(session.frame.merging == "naive-async")
    }

    @Test func executionHorizonSetsTheRequestInterval() throws {
        let session = PlaySession(policy.played { $0.executionHorizon = 1 }, seed: 5)
        try session.run(5, answeredBy: policy)
        #expect(policy.received.count == 5)
        var settings = session.settings
        settings.executionHorizon = 7
        try session.perform(.settings(settings))
        try session.run(7, answeredBy: policy)
        #expect(policy.received.count == 6)
        #expect(session.frame.target == [107, 200])
    }

    @Test func sampledPlansShareOneObservation() throws {
        let session = PlaySession(policy.played { $0.samples = 5 }, seed: 5)
        _ = try session.tick()
        let request = try #require(session.takeRequest())
        #expect(request.requests.count == 5)
        #expect(Set(request.requests.map(\.key)).count == 5)
        #expect(request.requests.allSatisfy { $0.observations == request.requests[0].observations })
        let plan = try #require(session.accept(PlanResult(to: request, of: policy) { 0 }))
        #expect(plan.plans.count == 5)
        #expect(plan.plans[2] == (0..<8).flatMap { [100 + Float($0), 220] })
        #expect(plan.executed == [1, 5])
        _ = try session.tick()
        #expect(session.frame.target == [101, 200], "the first plan is executed")
    }

    @Test func sampledPlansDoNotChangeExecution() throws {
        let session = PlaySession(policy.played(), seed: 5)
        try session.run(2, answeredBy: policy)
        var settings = session.settings
        settings.samples = 5
        try session.perform(.settings(settings))
        try session.run(2, answeredBy: policy)
        #expect(policy.received.count == 1, "the plan continues")
        #expect(session.frame.target == [104, 200])
        try session.run(1, answeredBy: policy)
        #expect(policy.received.map(\.count) == [1, 5])
    }

    @Test func showsDenoisingInAFewSteps() throws {
        let session = PlaySession(policy.played(), seed: 5)
        _ = try session.tick()
        let request = try #require(session.takeRequest())
        var time = 3.0
        let answer = try PlanResult(to: request, of: policy) {
            defer { time += 0.25 }
            return time
        }
        let plan = try #require(session.accept(answer))
        #expect(plan.duration == 0.25)
        #expect(plan.denoising.count == PlanResult.shownSteps + 1)
        #expect(plan.denoising.first?.first == 0)
        #expect(plan.denoising.last?.first == 100)
        #expect(plan.denoising.allSatisfy { $0.count == 16 })
    }

    @Test func draggingTheBlockChangesTheScoreAndThePolicyContinues() throws {
        let session = PlaySession(policy.played(), seed: 5)
        try session.run(3, answeredBy: policy)
        let goal = PushTDefinition().goal
        let block = session.frame.block
        try session.perform(.grab(.block, at: SIMD2(block[0] + 3, block[1] - 2)))
        #expect(session.frame.held == .block)
        try session.perform(.turn(by: goal.angle - block[2]))
        let offset = Pose(position: .zero, angle: goal.angle - block[2]).point(SIMD2(-3, 2))
        try session.perform(.drag(to: goal.position - offset))
        let moved = session.frame.block
        #expect(abs(moved[0] - goal.position.x) + abs(moved[1] - goal.position.y) < 1e-6)
        #expect(session.frame.reward > 0.99)
        try session.perform(.release)
        #expect(session.frame.held == nil)
        try session.run(2, answeredBy: policy)
        #expect(session.frame.step == 5)
        #expect(session.frame.best > 0.99)
        #expect(policy.received.count == 2, "a disturbance takes effect with the next observation")
    }

    @Test func aHeldPusherFollowsThePointer() throws {
        let session = PlaySession(policy.played(), seed: 5)
        try session.run(1, answeredBy: policy)
        let agent = session.frame.agent
        try session.perform(.grab(.agent, at: SIMD2(agent[0], agent[1])))
        try session.perform(.drag(to: SIMD2(400, 60)))
        try session.run(12, answeredBy: policy)
        #expect(abs(session.frame.agent[0] - 400) + abs(session.frame.agent[1] - 60) < 5)
        #expect(session.frame.target == [400, 60])
        let requests = policy.received.count
        try session.perform(.release)
        try session.run(1, answeredBy: policy)
        #expect(policy.received.count == requests + 1, "it plans again from its new position")
        #expect(session.frame.target == [101, 200])
    }

    @Test func limitsTheHoldToTheWorld() throws {
        let session = PlaySession(policy.played(), seed: 5)
        let agent = session.frame.agent
        try session.perform(.grab(.agent, at: SIMD2(agent[0], agent[1])))
        try session.perform(.drag(to: SIMD2(3000, -500)))
        for _ in 0..<30 {
            try session.run(1, answeredBy: policy)
            #expect(session.frame.agent.allSatisfy { (0...512).contains($0) })
        }
        #expect(session.frame.target == [512, 0])
    }

    @Test func pausesAndResumes() throws {
        let session = PlaySession(policy.played(), seed: 5)
        try session.perform(.pause)
        #expect(try session.tick() == .idle)
        try session.perform(.step)
        try session.run(5, answeredBy: policy)
        #expect(session.frame.step == 1)
        #expect(try session.tick() == .idle)
        try session.perform(.run)
        try session.run(5, answeredBy: policy)
        #expect(session.frame.step == 6)
        try session.perform(.restart)
        #expect(session.frame.step == 0)
        #expect(session.frame.seed == 5)
        try session.perform(.next)
        #expect(session.frame.seed == 6)
        #expect(session.frame.agent == Array(PushTEnvironment(seed: 6).state.values[..<2]))
    }

    @Test func ignoresOutdatedResults() throws {
        let session = PlaySession(policy.played(), seed: 5)
        #expect(try session.tick() == .waiting)
        let old = try #require(session.takeRequest())
        try session.perform(.restart)
        #expect(session.accept(try PlanResult(to: old, of: policy) { 0 }) == nil)
        #expect(try session.tick() == .waiting)
        let new = try #require(session.takeRequest())
        #expect(new.number != old.number)
        session.fail(old.number)
        #expect(session.frame.isRunning)
        session.fail(new.number)
        #expect(!session.frame.isRunning)
        try session.perform(.run)
        try session.run(3, answeredBy: policy)
        #expect(session.frame.step == 3)
    }

    @Test func invalidActionsStopTheScene() throws {
        policy.target = SIMD2(1e6, 0)
        let session = PlaySession(policy.played(), seed: 5)
        #expect(throws: InputError.self) { try session.run(1, answeredBy: policy) }
        #expect(!session.frame.isRunning)
        #expect(try session.tick() == .idle)
    }

    @Test func settingsAreChecked() throws {
        let session = PlaySession(policy.played(), seed: 5)
        let wrong: [(inout PlaySettings) -> Void] = [
            { $0.steps = 0 }, { $0.steps = 101 }, { $0.executionHorizon = 8 }, { $0.executionHorizon = -1 },
            { $0.latency = 11 }, { $0.latency = -1 }, { $0.samples = 17 }, { $0.samples = 0 },
            { $0.merging = .linearBlend(steps: 0) },
        ]
        let before = session.settings
        for change in wrong {
            var settings = before
            change(&settings)
            #expect(throws: InputError.self) { try session.perform(.settings(settings)) }
            #expect(session.settings == before)
        }
        #expect(throws: InputError.self) { try session.perform(.keep) }
    }

    @Test(arguments: ChunkMerging.all)
    func playsEveryMergingMethod(merging: ChunkMerging) throws {
        let session = PlaySession(policy.played { ($0.merging, $0.latency) = (merging, 2) }, seed: 5)
        try session.run(40, answeredBy: policy)
        #expect(session.frame.step == 40)
        #expect(abs(session.frame.agent[1] - 200) < 20)
    }
}
