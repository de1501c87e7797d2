import DPInterface
import Testing

@testable import DPEvaluation

@Suite("Jerk")
struct JerkTests {
    private func jerk(_ actions: [[Double]], boundaries: Set<Int> = [], rate: Double = 10) -> Jerk? {
        var meter = JerkMeter(rate: rate)
        for (step, action) in actions.enumerated() { meter.add(action, startsChunk: boundaries.contains(step)) }
        return meter.jerk
    }

    @Test("A cubic has its third derivative, a parabola none")
    func polynomials() throws {
        let cubic = (0..<9).map { [Double($0 * $0 * $0), 4] }
        #expect(jerk(cubic) == Jerk(boundary: nil, overall: 6000))
        #expect(jerk(cubic, rate: 1) == Jerk(boundary: nil, overall: 6))
        let parabola = (0..<9).map { [Double(3 * $0 * $0 + $0)] }
        #expect(jerk(parabola) == Jerk(boundary: nil, overall: 0))
    }

    @Test("The jerk is the norm over all components")
    func length() {
        let cubes = (0..<5).map { Double($0 * $0 * $0) }
        #expect(jerk(cubes.map { [3 * $0, 4 * $0] }, rate: 1)?.overall == 30)
    }

    @Test("Three positions lie across a boundary")
    func boundary() throws {
        let jump: [[Double]] = [0, 0, 0, 0, 0, 3, 3, 3, 3, 3].map { [$0] }
        let found = try #require(jerk(jump, boundaries: [5], rate: 1))
        // 3, −6 and 3 there, and 0 at the other four.
        #expect(found.boundary == 4)
        #expect(abs(try #require(found.overall) - 12.0 / 7) < 1e-12)
        // A boundary elsewhere has no jump.
        #expect(jerk(jump, boundaries: [9], rate: 1)?.boundary == 0)
        // Two adjacent boundaries have four positions, not six.
        #expect(jerk(jump, boundaries: [5, 6], rate: 1)?.boundary == 3)
    }

    @Test("Fewer than four actions have no jerk")
    func few() {
        #expect(jerk([[1], [2], [9]], boundaries: [1]) == nil)
        #expect(Jerk(meanOf: []) == nil)
        let some = [Jerk(boundary: nil, overall: 1), Jerk(boundary: 4, overall: 3)]
        #expect(Jerk(meanOf: some) == Jerk(boundary: 4, overall: 2))
    }

    /// A policy whose actions jump between chunks and are constant within each.
    private final class Jumping: ChunkingPolicy {
        let horizon = Horizon(observation: 1, prediction: 10, action: 4)
        private var calls = 0

        func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
            requests.map { _ in
                defer { calls += 1 }
                let action: [Float] = [calls % 2 == 0 ? 0 : 0.01]
                return ActionChunk(prediction: Array(repeating: action, count: 10), executed: horizon.executed)
            }
        }
    }

    @Test("A linear blend is smoother at boundaries than an abrupt change; the result has the mean of its episodes")
    func result() throws {
        func jerk(_ merging: ChunkMerging, latency: Double) throws -> Jerk {
            let configuration = EvaluationConfiguration(
                episodes: 1, firstSeed: 0, maxSteps: 40, control: ControlConfiguration(merging: merging),
                latency: SimulatedLatency(computation: latency))
            let result = try Evaluator(configuration: configuration) { _ in LineEnvironment(position: 0) }
                .evaluate(Jumping())
            #expect(result.jerk == result.episodes[0].jerk)
            return try #require(result.jerk)
        }
        for latency in [0, 0.4] {
            let abrupt = try jerk(.skipStale, latency: latency)
            // 0.01, −0.02 and 0.01 at a thousand per s³.
            #expect(abs(try #require(abrupt.boundary) - 40.0 / 3) < 1e-3)
            let smooth = try jerk(.linearBlend(steps: 3), latency: latency)
            #expect(try #require(smooth.boundary) < 5)
            #expect(try #require(smooth.overall) < #require(abrupt.overall))
        }
    }
}
