import Control
import Evaluation
import Foundation
import PolicyInterface
import Testing

/// A world in which nothing happens but that time passes.
private struct ClockEnvironment: Environment {
    var time = 0
    var reward: Float { 0 }
    var isSuccess: Bool { false }
    var observation: Observation { Observation(vectors: ["time": [Float(time)]]) }
    mutating func step(_ action: [Float]) { time += 1 }
    func render(side: Int) -> RGBImage { RGBImage(width: side, height: side, filledWith: (0, 0, 0)) }
}

/// An action tells the control step that it is for, and the newest that was observed.
private final class ClockPolicy: ChunkingPolicy {
    let horizon = Horizon(observation: 2, prediction: 12, action: 4)

    func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        requests.map { request in
            let seen = request.observations.compactMap { $0.vectors["time"]?.first }
            let prediction = (0..<horizon.prediction).map { [seen[1] - 1 + Float($0), seen[1]] }
            return ActionChunk(prediction: prediction, executed: horizon.executed)
        }
    }
}

/// Keeps the actions of the first rollout.
private final class ActionRecorder: RolloutObserver {
    private(set) var actions: [[Float]] = []

    func observe(_ rollouts: [Rollout], step: Int) {
        if let action = rollouts[0].lastAction { actions.append(action) }
    }

    /// The control steps that the actions were meant for.
    var planned: [Int] { actions.map { Int($0[0]) } }
    /// The newest steps that they regard.
    var observed: [Int] { actions.map { Int($0[1]) } }
}

/// What is done in 16 control steps.
private func actions(_ joining: Joining, _ latency: SimulatedLatency, steps: Int = 16) throws -> ActionRecorder {
    let recorder = ActionRecorder()
    let configuration = EvaluationConfiguration(
        episodes: 1, maximumSteps: steps, control: ControlConfiguration(joining: joining), latency: latency)
    _ = try Evaluator(configuration: configuration) { _ in ClockEnvironment() }
        .evaluate(ClockPolicy(), observers: [recorder])
    return recorder
}

@Suite("Latency in simulated time")
struct LatencyTests {
    @Test(
        "Each action is executed at its time, from an observation that is as old as the latency says",
        arguments: SimulatedLatency.Part.allCases)
    func dropping(part: SimulatedLatency.Part) throws {
        // 0.25 s are three steps.
        let recorder = try actions(.dropping, SimulatedLatency(0.25, of: part))
        #expect(recorder.planned == Array(0..<16))
        #expect(recorder.observed == [0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12])
    }

    @Test("Latencies of different parts add up, each rounded by itself")
    func sum() throws {
        let latency = SimulatedLatency(observation: 0.05, computation: 0.1, action: 0.15)
        let recorder = try actions(.dropping, latency)
        #expect(recorder.planned == Array(0..<16))
        // One step, one and two.
        #expect(recorder.observed == [0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8])
    }

    @Test("A naive controller does what was right when the policy looked")
    func naive() throws {
        let recorder = try actions(.naive, SimulatedLatency(computation: 0.2))
        #expect(recorder.observed == [0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12])
        #expect(recorder.planned == [0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    }

    @Test("One that waits stops and goes")
    func waiting() throws {
        let recorder = try actions(.waiting, SimulatedLatency(computation: 0.2))
        #expect(recorder.observed == [0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 10, 10, 10, 10])
        #expect(recorder.planned == [0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 7, 7, 10, 11, 12, 13])
    }

    @Test("A question waits for the answer to the one before")
    func longComputation() throws {
        let recorder = try actions(.dropping, SimulatedLatency(computation: 0.6), steps: 18)
        // Asked at 0, 4 and, when that answer has come, at 10.
        #expect(recorder.observed == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 10, 10])
    }

    /// An environment whose places single precision cannot tell apart.
    private struct NorthernEnvironment: Environment {
        var place = 5_000_000.0
        var reward: Float { isSuccess ? 1 : 0 }
        var isSuccess: Bool { place > 5_000_000.045 }
        var observation: Observation { Observation(doubles: ["place": [place]]) }

        mutating func step(_ action: [Float]) throws { throw RefusedAction() }

        mutating func step(doubles action: [Double]) throws { place = action[0] }

        func render(side: Int) -> RGBImage { RGBImage(width: side, height: side, filledWith: (0, 0, 0)) }
    }

    @Test("Actions that single precision cannot hold reach the environment as they are", arguments: Joining.all)
    func doubles(joining: Joining) throws {
        let policy = FixedPolicy { requests in
            requests.map { request in
                let place = request.observations[0].doubles["place"]?[0] ?? .nan
                let places = (1...8).map { [place + 0.01 * Double($0)] }
                return ActionChunk(prediction: places.map { $0.map(Float.init) }, executed: 0..<2, doubles: places)
            }
        }
        let configuration = EvaluationConfiguration(
            episodes: 1, maximumSteps: 20, control: ControlConfiguration(joining: joining))
        let result = try Evaluator(configuration: configuration) { _ in NorthernEnvironment() }.evaluate(policy)
        #expect(result.episodes[0].success && result.episodes[0].steps == 5)
        // Steps of the same length, up to the rounding of places.
        #expect(try #require(result.episodes[0].jerk?.overall) < 1e-2)
    }

    @Test("Without latency an evaluation does what a receding-horizon controller does")
    func recedingHorizon() throws {
        let policy = RandomWalkPolicy(drift: 0.02)
        var controller = RecedingHorizonController(policy, key: RandomKey(seed: 7).folding(3))
        var environment = LineEnvironment(seed: 3)
        var expected: [[Float]] = []
        for _ in 0..<20 where !environment.isSuccess {
            expected.append(try controller.action(for: environment.observation))
            try environment.step(expected[expected.count - 1])
        }
        let recorder = ActionRecorder()
        let configuration = EvaluationConfiguration(episodes: 1, firstSeed: 3, maximumSteps: 20, samplerSeed: 7)
        _ = try Evaluator(configuration: configuration) { LineEnvironment(seed: $0) }
            .evaluate(policy, observers: [recorder])
        #expect(recorder.actions == expected)
    }

    @Test("An episode's outcome depends on neither the others nor chance", arguments: Joining.all)
    func determinism(joining: Joining) throws {
        func episodes(batch: Int?) throws -> [EpisodeResult] {
            let configuration = EvaluationConfiguration(
                episodes: 9, maximumSteps: 40, batch: batch, control: ControlConfiguration(joining: joining),
                latency: SimulatedLatency(observation: 0.1, computation: 0.2, action: 0.1))
            return try Evaluator(configuration: configuration) { LineEnvironment(seed: $0) }
                .evaluate(RandomWalkPolicy(drift: 0.02)).episodes
        }
        let together = try episodes(batch: nil)
        #expect(try episodes(batch: 1) == together)
        #expect(try episodes(batch: 4) == together)
        #expect(together.allSatisfy { $0.jerk?.boundary != nil })
    }

    @Test("Latencies out of range are refused by name")
    func validation() throws {
        for (name, latency) in [
            ("observation", SimulatedLatency(observation: -0.1)), ("computation", SimulatedLatency(computation: .nan)),
            ("action", SimulatedLatency(action: 61)),
        ] {
            let error = #expect(throws: InvalidSetting.self) {
                try EvaluationConfiguration(latency: latency).validate()
            }
            #expect("\(try #require(error))".contains("latency \(name)"))
        }
        let control = ControlConfiguration(interval: -1)
        #expect(throws: InvalidSetting.self) { try EvaluationConfiguration(control: control).validate() }
    }

    @Test("Settings without control and latency are those of a world without any")
    func olderSettings() throws {
        let json = Data(#"{"episodes": 3, "first_seed": 7, "maximum_steps": 20, "sampler_seed": 1}"#.utf8)
        let settings = try JSONDecoder().decode(EvaluationConfiguration.self, from: json)
        #expect(settings == EvaluationConfiguration(episodes: 3, firstSeed: 7, maximumSteps: 20, samplerSeed: 1))
        let other = EvaluationConfiguration(
            control: ControlConfiguration(joining: .blending(steps: 2), interval: 3),
            latency: SimulatedLatency(observation: 0.1, computation: 0.2, action: 0.3))
        #expect(try JSONDecoder().decode(EvaluationConfiguration.self, from: JSONEncoder().encode(other)) == other)
    }
}
