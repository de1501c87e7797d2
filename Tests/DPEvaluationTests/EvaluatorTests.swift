import DPBase
import DPEvaluation
import DPInterface
import Foundation
import Testing

@Suite("Rollouts")
struct EvaluatorTests {
    @Test("An episode's outcome does not depend on the other episodes of its batch")
    func batchIndependence() throws {
        func episodes(batch: Int?, first: UInt64 = 100_000, count: Int = 12) throws -> [EpisodeResult] {
            let configuration = EvaluationConfiguration(
                episodes: count, firstSeed: first, maxSteps: 40, samplerSeed: 7, batch: batch)
            return try Evaluator(configuration: configuration) { LineEnvironment(seed: $0) }
                .evaluate(RandomWalkPolicy(drift: 0.02)).episodes
        }
        let together = try episodes(batch: nil)
        #expect(together.count == 12)
        #expect(together.contains(where: \.success) && together.contains { !$0.success })
        #expect(try episodes(batch: 1) == together)
        #expect(try episodes(batch: 5) == together)
        #expect(try episodes(batch: nil, first: 100_004, count: 3) == Array(together[4..<7]))
    }

    @Test("Another sampler seed gives other episodes")
    func samplerSeed() throws {
        let results = try [1, 2].map { seed in
            try Evaluator(configuration: EvaluationConfiguration(episodes: 4, samplerSeed: seed)) {
                LineEnvironment(seed: $0)
            }.evaluate(RandomWalkPolicy(drift: 0)).episodes
        }
        #expect(results[0] != results[1])
    }

    @Test("One call serves all episodes that need a chunk, and ended episodes make no requests")
    func oneCallForAll() throws {
        // At 0.125 per step from 0 and 0.5, the second episode succeeds first and leaves the batch.
        let policy = FixedPolicy { $0.map { _ in ActionChunk(prediction: [[0.125], [0.125]], executed: 0..<2) } }
        let configuration = EvaluationConfiguration(episodes: 2, firstSeed: 0, maxSteps: 300)
        let result = try Evaluator(configuration: configuration) { LineEnvironment(position: Float($0) * 0.5) }
            .evaluate(policy, named: "fixed")
        #expect(result.episodes.map(\.steps) == [8, 4])
        #expect(result.episodes.map(\.bestReward) == [1, 1])
        #expect(result.latency.calls == 4)
        #expect(result.latency.largestBatch == 2)
        #expect(result.policy == "fixed")

        let walker = RandomWalkPolicy(drift: 0)
        _ = try Evaluator(configuration: EvaluationConfiguration(episodes: 50, maxSteps: 7)) {
            LineEnvironment(seed: $0)
        }.evaluate(walker)
        #expect(walker.batches == [50, 50, 50])
    }

    @Test("The policy prepares for every batch before its call is timed, and clamped actions count for each result")
    func preparation() throws {
        let policy = FixedPolicy { $0.map { _ in ActionChunk(prediction: [[0.125], [0.125]], executed: 0..<2) } }
        let configuration = EvaluationConfiguration(episodes: 2, firstSeed: 0, maxSteps: 300)
        let evaluator = Evaluator(configuration: configuration) { LineEnvironment(position: Float($0) * 0.5) }
        for _ in 0..<2 {
            let result = try evaluator.evaluate(policy)
            #expect(result.clampedActions == 6)
        }
        #expect(policy.received == [2, 2, 1, 1, 2, 2, 1, 1])
        #expect(policy.prepared == policy.received)
    }

    @Test("The number of environments that exist at once is limited")
    func groups() throws {
        let walker = RandomWalkPolicy(drift: 0)
        let result = try Evaluator(configuration: EvaluationConfiguration(episodes: 130, maxSteps: 1)) {
            LineEnvironment(seed: $0)
        }.evaluate(walker)
        #expect(walker.batches == [64, 64, 2])
        #expect(result.episodes.map(\.seed) == Array(100_000..<100_130))
    }

    @Test("The score is the best reward, not the last one, and the initial state does not count")
    func bestReward() throws {
        let actions: [[Float]] = [[0.25], [-0.5]]
        let policy = FixedPolicy { $0.map { _ in ActionChunk(prediction: actions, executed: 0..<2) } }
        let configuration = EvaluationConfiguration(episodes: 1, firstSeed: 0, maxSteps: 2)
        let result = try Evaluator(configuration: configuration) { _ in LineEnvironment(position: 0.5) }
            .evaluate(policy)
        #expect(result.episodes == [EpisodeResult(seed: 0, bestReward: 0.75, success: false, steps: 2)])

        let falling = FixedPolicy { $0.map { _ in ActionChunk(prediction: [[-0.25], [-0.25]], executed: 0..<2) } }
        let fallen = try Evaluator(configuration: configuration) { _ in LineEnvironment(position: 0.5) }
            .evaluate(falling)
        #expect(fallen.score == 0.25)
    }

    @Test("Observers receive the start and every step of every group")
    func observers() throws {
        final class Counter: RolloutObserver {
            var steps: [Int] = []
            func observe(_ rollouts: [Rollout], step: Int) { steps.append(step) }
        }
        let counter = Counter()
        _ = try Evaluator(configuration: EvaluationConfiguration(episodes: 3, maxSteps: 2, batch: 2)) {
            LineEnvironment(seed: $0)
        }.evaluate(RandomWalkPolicy(drift: 0), observers: [counter])
        #expect(counter.steps == [0, 1, 2, 0, 1, 2])
    }

    @Test("The error for an invalid chunk or action states the episode and the step")
    func misbehavior() throws {
        let evaluator = Evaluator(configuration: EvaluationConfiguration(episodes: 2, firstSeed: 3)) {
            LineEnvironment(seed: $0)
        }
        #expect(throws: InputError.wrongChunkCount(requests: 2, chunks: 0)) {
            try evaluator.evaluate(FixedPolicy { _ in [] })
        }
        #expect(throws: EvaluationError.emptyChunk(seed: 3, step: 0)) {
            try evaluator.evaluate(FixedPolicy { $0.map { _ in ActionChunk(prediction: [], executed: 0..<0) } })
        }
        let refused = EvaluationError.actionRefused(seed: 3, step: 0, reason: "expected one finite number")
        #expect(throws: refused) {
            try evaluator.evaluate(
                FixedPolicy { $0.map { _ in ActionChunk(prediction: [[.nan]], executed: 0..<1) } })
        }
        #expect("\(refused)".contains("episode 3, step 0"))
    }

    /// Fails at one of its calls.
    private final class FailingPolicy: ChunkingPolicy {
        struct Failure: Error, CustomStringConvertible { var description: String { "the link is cut" } }
        let horizon = Horizon(observation: 1, prediction: 2, action: 2)
        var calls = 0
        let last: Int

        init(last: Int) { self.last = last }

        func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
            calls += 1
            if calls > last { throw Failure() }
            return requests.map { _ in ActionChunk(prediction: [[0.125], [0.125]], executed: 0..<2) }
        }
    }

    @Test("When the policy fails, the result of the ended episodes is kept and marked as incomplete")
    func incomplete() throws {
        // From 0 and 0.5, with 0.25 per call: they end at the fourth and at the second call.
        let configuration = EvaluationConfiguration(episodes: 2, firstSeed: 0)
        let evaluator = Evaluator(configuration: configuration) { LineEnvironment(position: Float($0) * 0.5) }
        #expect(throws: FailingPolicy.Failure.self) { try evaluator.evaluate(FailingPolicy(last: 1)) }
        let thrown = #expect(throws: IncompleteEvaluation.self) {
            try evaluator.evaluate(FailingPolicy(last: 3), named: "x")
        }
        let error = try #require(thrown)
        #expect(error.result.episodes.map(\.seed) == [1])
        #expect(error.result.incomplete == "the link is cut")
        #expect("\(error)" == "the link is cut; 1 of 2 episodes had ended")
        #expect(try JSONDecoder().decode(EvaluationResult.self, from: error.result.json()) == error.result)
        #expect("\(ResultTable([error.result]))".contains("x, incomplete: 1 of 2 episodes"))
        let whole = try evaluator.evaluate(FailingPolicy(last: 4))
        #expect(whole.incomplete == nil && whole.episodes.count == 2)
        #expect(try !String(decoding: whole.json(), as: UTF8.self).contains("incomplete"))
        // Episodes of earlier groups count, too.
        var alone = evaluator
        alone.configuration.batch = 1
        let later = #expect(throws: IncompleteEvaluation.self) { try alone.evaluate(FailingPolicy(last: 5)) }
        #expect(later?.result.episodes.map(\.seed) == [0])
    }

    @Test(
        "The error for a setting out of range names it",
        arguments: [
            ("episodes", EvaluationConfiguration(episodes: 0)),
            ("maximum_steps", EvaluationConfiguration(maxSteps: 0)),
            ("batch", EvaluationConfiguration(batch: -1)),
            ("first_seed", EvaluationConfiguration(firstSeed: .max)),
        ])
    func settings(name: String, configuration: EvaluationConfiguration) {
        let error = #expect(throws: InputError.self) { try configuration.validate() }
        #expect("\(error!)".contains(name))
    }
}
