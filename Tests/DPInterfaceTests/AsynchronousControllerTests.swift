import DPBase
import DPInterface
import Foundation
import Testing

private let horizon = Horizon(observation: 2, prediction: 10, action: 4)

/// Returns the actions of the first control steps if chunks take `latency` steps, but the first one none, and the
/// policy with its requests.
private func run(
    _ merging: ChunkMerging, latency: Int, steps: Int = 14, interval: Int? = nil
) throws -> (actions: [Float], policy: ScriptedPolicy) {
    let policy = ScriptedPolicy(horizon: horizon)
    var controller = AsynchronousController(
        horizon: horizon, configuration: ControlConfiguration(merging: merging, interval: interval),
        key: RandomKey(seed: 1))
    var answer: (chunk: ActionChunk, arrival: Int)?
    let actions = try (0..<steps).map { step in
        if let (chunk, arrival) = answer, arrival == step {
            controller.accept(chunk)
            answer = nil
        }
        if let request = controller.observe(observation(step), at: step) {
            let chunk = try policy.predictActionChunks(for: [request])[0]
            if step == 0 || latency == 0 { controller.accept(chunk) } else { answer = (chunk, step + latency) }
        }
        return controller.action(at: step)[0]
    }
    return (actions, policy)
}

@Suite struct AsynchronousControllerTests {
    /// All strategies except temporal ensembling, which sends more requests, and linear blending and warm starts,
    /// which should not change a boundary that is already smooth.
    @Test(arguments: [ChunkMerging.synchronous, .naiveAsync, .skipStale])
    func withoutLatencyItIsRecedingHorizonControl(merging: ChunkMerging) throws {
        let reference = ScriptedPolicy(horizon: horizon)
        var controller = RecedingHorizonController(reference, seed: 1)
        let expected = try (0..<14).map { try controller.action(for: observation($0))[0] }
        let (actions, policy) = try run(merging, latency: 0)
        #expect(actions == expected)
        #expect(policy.requests.map(\.key) == reference.requests.map(\.key))
        #expect(policy.requests.map(\.seen) == reference.requests.map(\.seen))
    }

    @Test func waitingHoldsTheLastActionAndStartsOver() throws {
        let (actions, policy) = try run(.synchronous, latency: 3)
        // 1004 was predicted for step 4 and arrives at step 7.
        #expect(actions == [0, 1, 2, 3, 3, 3, 3, 1004, 1005, 1006, 1007, 1007, 1007, 1007])
        #expect(policy.requests.map(\.seen) == [[0, 0], [3, 4], [10, 11]])
    }

    @Test func naiveDoesEverythingLate() throws {
        let (actions, policy) = try run(.naiveAsync, latency: 3)
        // The first chunk ends at step 4; the second, requested at step 4, arrives at step 7.
        #expect(actions == [0, 1, 2, 3, 3, 3, 3, 1004, 1005, 1006, 1007, 2008, 2009, 2010])
        #expect(policy.requests.map(\.seen) == [[0, 0], [3, 4], [7, 8], [11, 12]])
    }

    @Test(arguments: 0...4)
    func droppingExecutesEachActionAtItsTime(latency: Int) throws {
        let (actions, policy) = try run(.skipStale, latency: latency, steps: 40)
        #expect(actions.enumerated().allSatisfy { Int($1) % 1000 == $0 })
        let asked = policy.requests.compactMap(\.seen.last)
        #expect(asked == [0, 4, 8, 12, 16, 20, 24, 28, 32, 36])
        // A chunk takes over at the step of its arrival.
        for (number, step) in asked.enumerated().dropFirst() where Int(step) + latency < 40 {
            #expect(actions[Int(step) + latency] == Float(1000 * number) + step + Float(latency))
            #expect(actions[Int(step) + latency - 1] < Float(1000 * number))
        }
    }

    /// The policy predicts nine steps from the newest observation on; later steps repeat the last action.
    @Test func whatIsNotPredictedIsHeld() throws {
        let (actions, _) = try run(.skipStale, latency: 8, steps: 17)
        #expect(Array(actions[..<13]) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 1012])
        #expect(actions[12...] == [1012, 1012, 1012, 1012, 1012])
        // A chunk whose actions are all stale: its last action.
        let (late, _) = try run(.skipStale, latency: 12, steps: 18)
        #expect(late[15...] == [8, 1012, 1012])
    }

    @Test func anIntervalIsKept() throws {
        let (actions, policy) = try run(.skipStale, latency: 1, steps: 8, interval: 2)
        #expect(policy.requests.compactMap(\.seen.last) == [0, 2, 4, 6])
        #expect(actions == [0, 1, 2, 1003, 1004, 2005, 2006, 3007])
    }

    @Test func blendingGoesOverInEqualParts() throws {
        let (actions, _) = try run(.linearBlend(steps: 3), latency: 2, steps: 10)
        // The new chunk is 1000 more than the current one: its weights are 1/4, 2/4, 3/4 and 1.
        #expect(actions == [0, 1, 2, 3, 4, 5, 256, 507, 758, 1009])
        // The next chunk is blended with the current plan.
        let (more, _) = try run(.linearBlend(steps: 3), latency: 2, steps: 13)
        #expect(more[10...] == [1260, 1511, 1762])
    }

    @Test func blendingEndsWhereTheHeldActionWas() throws {
        let (actions, _) = try run(.linearBlend(steps: 1), latency: 8, steps: 14)
        #expect(actions[11...] == [8, 510, 1012])  // halfway between 8 and 1012
    }

    @Test func ensemblingWeighsTheOldestMost() throws {
        // A new chunk at each step; predictions for a step differ by 1000 from one chunk to the next.
        let decay = 0.5
        let (actions, policy) = try run(.temporalEnsembling(decay: decay), latency: 0, steps: 13)
        #expect(policy.requests.count == 13)
        for (step, action) in actions.enumerated() {
            let chunks = Array(max(0, step - 8)...step)
            let weights = chunks.indices.map { Float(exp(-decay * Double($0))) }
            let sum = zip(chunks, weights).map { Float(1000 * $0 + step) * $1 }.reduce(0, +)
            #expect(abs(action - sum / weights.reduce(0, +)) < 0.05, "step \(step)")
        }
    }

    @Test func ensemblingAsksAsOftenAsItGetsAnswers() throws {
        let (actions, policy) = try run(.temporalEnsembling(decay: 0), latency: 3, steps: 8)
        #expect(policy.requests.compactMap(\.seen.last) == [0, 1, 4, 7])
        // Equal weights for the chunks that have arrived: the second at step 4, the third at step 7.
        #expect(actions == [0, 1, 2, 3, 504, 505, 506, 1007])
    }

    @Test func aWarmStartIsThePlanOfTheWindowToPredict() throws {
        let (actions, policy) = try run(.warmStart(strength: 0.25), latency: 2, steps: 12)
        #expect(policy.requests[0].start == nil)
        // Requested at step 4 for steps 3 to 12: the plan for these, with its last action held at the end.
        let first: [Float] = [3, 4, 5, 6, 7, 8, 8, 8, 8, 8]
        #expect(policy.requests[1].start == WarmStart(actions: first.map { [$0] }, strength: 0.25))
        // Requested at step 8 for steps 7 to 16.
        let second: [Float] = [1007, 1008, 1009, 1010, 1011, 1012, 1012, 1012, 1012, 1012]
        #expect(policy.requests[2].start == WarmStart(actions: second.map { [$0] }, strength: 0.25))
        // Chunks are merged as with `skipStale`.
        #expect(try actions == run(.skipStale, latency: 2, steps: 12).actions)
    }

    @Test(arguments: ChunkMerging.all)
    func resetForgetsTheEpisode(merging: ChunkMerging) throws {
        let configuration = ControlConfiguration(merging: merging)
        var controller = AsynchronousController(horizon: horizon, configuration: configuration, key: RandomKey(seed: 1))
        func episode() throws -> ([ChunkRequest], [[Float]]) {
            let policy = ScriptedPolicy(horizon: horizon)
            let actions = try (0..<9).map { step in
                if let request = controller.observe(observation(step), at: step) {
                    controller.accept(try policy.predictActionChunks(for: [request])[0])
                }
                return controller.action(at: step)
            }
            return (policy.requests, actions)
        }
        let first = try episode()
        controller.reset()
        #expect(!controller.hasPlan)
        let second = try episode()
        #expect(second.1 == first.1)
        #expect(second.0.map(\.key) == first.0.map(\.key))
        #expect(second.0.map(\.observations) == first.0.map(\.observations))
        #expect(second.0.map(\.start) == first.0.map(\.start))
    }

    @Test func commandsMayRunAheadOfObservations() throws {
        // A robot follows its commands two steps later: at step 0, those for steps 0 to 2 are fetched.
        let policy = ScriptedPolicy(horizon: horizon)
        var controller = AsynchronousController(
            horizon: horizon, configuration: ControlConfiguration(merging: .skipStale), key: RandomKey(seed: 1))
        var actions: [Float] = []
        for step in 0..<6 {
            if let request = controller.observe(observation(step), at: step) {
                controller.accept(try policy.predictActionChunks(for: [request])[0])
            }
            for ahead in (step == 0 ? 0 : 2)...2 { actions.append(controller.action(at: step + ahead)[0]) }
        }
        #expect(actions == [0, 1, 2, 3, 4, 5, 1006, 1007])
    }

    @Test func aFailedRequestIsRepeated() throws {
        let policy = ScriptedPolicy(horizon: horizon)
        var controller = AsynchronousController(
            horizon: horizon, configuration: ControlConfiguration(merging: .skipStale), key: RandomKey(seed: 1))
        let requests = (0..<2).map { controller.observe(observation($0), at: $0) }
        #expect(requests[0] != nil && requests[1] == nil)
        controller.cancelRequest()
        let again = controller.observe(observation(2), at: 2)
        controller.accept(try policy.predictActionChunks(for: [try #require(again)])[0])
        let action = controller.action(at: 2)
        #expect(action == [2])
    }

    /// The clock of a robot may miss steps.
    @Test func missedStepsAreSkipped() throws {
        let policy = ScriptedPolicy(horizon: horizon)
        var controller = AsynchronousController(
            horizon: horizon, configuration: ControlConfiguration(merging: .skipStale), key: RandomKey(seed: 1))
        let actions = try [0, 1, 5, 6, 11].map { step in
            if let request = controller.observe(observation(step), at: step) {
                controller.accept(try policy.predictActionChunks(for: [request])[0])
            }
            return controller.action(at: step)[0]
        }
        #expect(actions == [0, 1, 1005, 1006, 2011])
    }
}
