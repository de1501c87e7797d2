import DPBase
import DPEvaluation
import DPInterface
import Foundation
import Testing

/// A world in which only time passes.
private struct ClockEnvironment: SimulatedEnvironment {
    var time = 0
    var reward: Float { 0 }
    var isSuccess: Bool { false }
    var observation: RobotObservation { RobotObservation(vectors: ["time": [Float(time)]]) }
    mutating func step(_ action: [Float]) { time += 1 }
    func render(side: Int) -> RGBImage { RGBImage(width: side, height: side, filledWith: (0, 0, 0)) }
}

/// A policy whose actions hold the control step that they are for, and the newest observed step.
private final class ClockPolicy: ChunkingPolicy {
    let horizon = Horizon(observation: 2, prediction: 12, action: 4)

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        requests.map { request in
            let seen = request.observations.compactMap { $0.vectors["time"]?.first }
            let prediction = (0..<horizon.prediction).map { [seen[1] - 1 + Float($0), seen[1]] }
            return ActionChunk(prediction: prediction, executed: horizon.executed)
        }
    }
}

/// Records the actions of the first rollout.
private final class ActionRecorder: RolloutObserver {
    private(set) var actions: [[Float]] = []

    func observe(_ rollouts: [Rollout], step: Int) {
        if let action = rollouts[0].lastAction { actions.append(action) }
    }

    /// The control steps that the actions were meant for.
    var planned: [Int] { actions.map { Int($0[0]) } }
    /// The newest observed steps that they are based on.
    var observed: [Int] { actions.map { Int($0[1]) } }
}

/// Runs an episode and returns its actions.
private func actions(_ merging: ChunkMerging, _ latency: SimulatedLatency, steps: Int = 16) throws -> ActionRecorder {
    let recorder = ActionRecorder()
    let configuration = EvaluationConfiguration(
        episodes: 1, maxSteps: steps, control: ControlConfiguration(merging: merging), latency: latency)
    _ = try Evaluator(configuration: configuration) { _ in ClockEnvironment() }
        .evaluate(ClockPolicy(), observers: [recorder])
    return recorder
}

@Suite("Latency in simulated time")
struct LatencyTests {
    @Test(
        "Each action is executed at its time, from an observation as old as the latency",
        arguments: SimulatedLatency.Part.allCases)
    func dropping(part: SimulatedLatency.Part) throws {
        // 0.25 s are three steps.
        let recorder = try actions(.skipStale, SimulatedLatency(0.25, of: part))
        #expect(recorder.planned == Array(0..<16))
        #expect(recorder.observed == [0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12])
    }

    @Test("Latencies of different parts add up, each rounded separately")
    func sum() throws {
        let latency = SimulatedLatency(observation: 0.05, computation: 0.1, action: 0.15)
        let recorder = try actions(.skipStale, latency)
        #expect(recorder.planned == Array(0..<16))
        // One step, one step and two steps.
        #expect(recorder.observed == [0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8])
    }

    @Test("Naive async executes actions for the time of the observation")
    func naive() throws {
        let recorder = try actions(.naiveAsync, SimulatedLatency(computation: 0.2))
        #expect(recorder.observed == [0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12])
        #expect(recorder.planned == [0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    }

    @Test("Synchronous control stops and goes")
    func waiting() throws {
        let recorder = try actions(.synchronous, SimulatedLatency(computation: 0.2))
        #expect(recorder.observed == [0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 10, 10, 10, 10])
        #expect(recorder.planned == [0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 7, 7, 10, 11, 12, 13])
    }

    @Test("A request waits for the result of the previous one")
    func longComputation() throws {
        let recorder = try actions(.skipStale, SimulatedLatency(computation: 0.6), steps: 18)
        // Requests at 0, 4 and, after that result has arrived, at 10.
        #expect(recorder.observed == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 10, 10])
    }

    /// An environment whose positions single precision cannot distinguish.
    private struct NorthernEnvironment: SimulatedEnvironment {
        var place = 5_000_000.0
        var reward: Float { isSuccess ? 1 : 0 }
        var isSuccess: Bool { place > 5_000_000.045 }
        var observation: RobotObservation { RobotObservation(doubles: ["place": [place]]) }

        mutating func step(_ action: [Float]) throws { throw RefusedAction() }

        mutating func step(doubles action: [Double]) throws { place = action[0] }

        func render(side: Int) -> RGBImage { RGBImage(width: side, height: side, filledWith: (0, 0, 0)) }
    }

    @Test("Actions that single precision cannot represent reach the environment unchanged", arguments: ChunkMerging.all)
    func doubles(merging: ChunkMerging) throws {
        let policy = FixedPolicy { requests in
            requests.map { request in
                let place = request.observations[0].doubles["place"]?[0] ?? .nan
                let places = (1...8).map { [place + 0.01 * Double($0)] }
                return ActionChunk(prediction: places.map { $0.map(Float.init) }, executed: 0..<2, doubles: places)
            }
        }
        let configuration = EvaluationConfiguration(
            episodes: 1, maxSteps: 20, control: ControlConfiguration(merging: merging))
        let result = try Evaluator(configuration: configuration) { _ in NorthernEnvironment() }.evaluate(policy)
        #expect(result.episodes[0].success && result.episodes[0].steps == 5)
        // Steps of the same length, up to the rounding of positions.
        #expect(try #require(result.episodes[0].jerk?.overall) < 1e-2)
    }

    @Test("Without latency, an evaluation matches a receding-horizon controller")
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
        let configuration = EvaluationConfiguration(episodes: 1, firstSeed: 3, maxSteps: 20, samplerSeed: 7)
        _ = try Evaluator(configuration: configuration) { LineEnvironment(seed: $0) }
            .evaluate(policy, observers: [recorder])
        #expect(recorder.actions == expected)
    }

    @Test("An episode's outcome is deterministic and independent of the other episodes", arguments: ChunkMerging.all)
    func determinism(merging: ChunkMerging) throws {
        func episodes(batch: Int?) throws -> [EpisodeResult] {
            let configuration = EvaluationConfiguration(
                episodes: 9, maxSteps: 40, batch: batch, control: ControlConfiguration(merging: merging),
                latency: SimulatedLatency(observation: 0.1, computation: 0.2, action: 0.1))
            return try Evaluator(configuration: configuration) { LineEnvironment(seed: $0) }
                .evaluate(RandomWalkPolicy(drift: 0.02)).episodes
        }
        let together = try episodes(batch: nil)
        #expect(try episodes(batch: 1) == together)
        #expect(try episodes(batch: 4) == together)
        #expect(together.allSatisfy { $0.jerk?.boundary != nil })
    }

    @Test("The error for a latency out of range names it")
    func validation() throws {
        for (name, latency) in [
            ("observation", SimulatedLatency(observation: -0.1)), ("computation", SimulatedLatency(computation: .nan)),
            ("action", SimulatedLatency(action: 61)),
        ] {
            let error = #expect(throws: InputError.self) {
                try EvaluationConfiguration(latency: latency).validate()
            }
            #expect("\(try #require(error))".contains("latency \(name)"))
        }
        let control = ControlConfiguration(interval: -1)
        #expect(throws: InputError.self) { try EvaluationConfiguration(control: control).validate() }
    }

    @Test("Settings without control and latency use the defaults")
    func olderSettings() throws {
        let json = Data(#"{"episodes": 3, "first_seed": 7, "maximum_steps": 20, "sampler_seed": 1}"#.utf8)
        let settings = try JSONDecoder().decode(EvaluationConfiguration.self, from: json)
        #expect(settings == EvaluationConfiguration(episodes: 3, firstSeed: 7, maxSteps: 20, samplerSeed: 1))
        let other = EvaluationConfiguration(
            control: ControlConfiguration(merging: .linearBlend(steps: 2), interval: 3),
            latency: SimulatedLatency(observation: 0.1, computation: 0.2, action: 0.3))
        #expect(try JSONDecoder().decode(EvaluationConfiguration.self, from: JSONEncoder().encode(other)) == other)
    }
}
