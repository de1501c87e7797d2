import DPBase
import Testing

@testable import DPInterface

/// A policy that moves north by one centimeter per step from the current or planned position; consecutive chunks
/// are four centimeters apart.
private final class Walker: ChunkingPolicy {
    let horizon = Horizon(observation: 2, prediction: 10, action: 4)
    /// Whether its chunks are in double precision.
    private let isPrecise: Bool
    private(set) var starts: [WarmStart] = []
    private var calls = 0

    init(isPrecise: Bool) { self.isPrecise = isPrecise }

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        requests.map { request in
            defer { calls += 1 }
            let place = request.observations.last?.doubles["northing"]?[0] ?? .nan
            var actions = (0..<horizon.prediction).map { step in
                [place + 0.01 * Double(step - horizon.executed.lowerBound) + 0.04 * Double(calls % 2)]
            }
            if let start = request.start {
                starts.append(start)
                for step in actions.indices {
                    let from = start.doubles?[step][0] ?? Double(start.actions[step][0])
                    actions[step][0] += 0.5 * (from - actions[step][0])
                }
            }
            return ActionChunk(
                prediction: actions.map { $0.map(Float.init) }, executed: horizon.executed,
                doubles: isPrecise ? actions : nil)
        }
    }
}

/// Returns the observation at a control step on the way north from an origin.
private func place(_ origin: Double, _ step: Int) -> RobotObservation {
    RobotObservation(doubles: ["northing": [origin + 0.01 * Double(step)]])
}

/// Actions that single precision cannot hold, in controllers and plans: at UTM northings single precision has steps
/// of half a meter.
@Suite struct PrecisionTests {
    static let northing = 5_123_456.789
    private static let steps = 30
    private let key = RandomKey(seed: 1)

    /// Compares the actions far from 0, in doubles, with the actions near 0, in floats.
    private func expectSame(_ run: (_ policy: Walker, _ origin: Double) throws -> [Double]) throws {
        let near = try run(Walker(isPrecise: false), 0)
        let far = try run(Walker(isPrecise: true), Self.northing)
        #expect(near.count == Self.steps && Set(near).count > 10)
        #expect(zip(near, far).allSatisfy { abs($0 + Self.northing - $1) < 1e-3 }, "\(near) \(far)")
    }

    @Test func recedingHorizonControlKeepsCentimeters() throws {
        try expectSame { policy, origin in
            var controller = RecedingHorizonController(policy, key: key)
            return try (0..<Self.steps).map { try controller.doubles(for: place(origin, $0))[0] }
        }
    }

    @Test(arguments: ChunkMerging.all) func plansKeepCentimeters(merging: ChunkMerging) throws {
        try expectSame { policy, origin in
            var controller = AsynchronousController(
                horizon: policy.horizon, configuration: ControlConfiguration(merging: merging), key: key)
            var answer: (chunk: ActionChunk, arrival: Int)?
            return try (0..<Self.steps).map { step in
                if let (chunk, arrival) = answer, arrival == step {
                    controller.accept(chunk)
                    answer = nil
                }
                if let request = controller.observe(place(origin, step), at: step) {
                    let chunk = try policy.predictActionChunks(for: [request])[0]
                    if step == 0 { controller.accept(chunk) } else { answer = (chunk, step + 2) }
                }
                return controller.doubles(at: step)[0]
            }
        }
    }

    @Test(arguments: ChunkMerging.all) func simulatedTimeKeepsCentimeters(merging: ChunkMerging) throws {
        try expectSame { policy, origin in
            var controller = SimulatedTimeController(
                horizon: policy.horizon, configuration: ControlConfiguration(merging: merging),
                latency: SimulatedLatency(observation: 0.1, computation: 0.2, action: 0.1), key: key)
            return try (0..<Self.steps).map { step in
                if let request = controller.observe(place(origin, step)) {
                    controller.accept(try policy.predictActionChunks(for: [request])[0])
                }
                let command = controller.nextCommand()
                // Doubles are present only if they are needed.
                #expect((command.doubles == nil) == (origin == 0))
                return command.doubles?[0] ?? Double(command.action[0])
            }
        }
    }

    @Test(arguments: ChunkMerging.all) func realTimeKeepsCentimeters(merging: ChunkMerging) throws {
        func run(_ origin: Double) throws -> [Double] {
            let robot = try RealTimeController(
                Walker(isPrecise: origin != 0), configuration: ControlConfiguration(merging: merging), key: key)
            return try (0..<Self.steps).map { step in
                defer { robot.worker.waitUntilIdle() }
                return try robot.doubles(for: place(origin, step))[0]
            }
        }
        let (near, far) = (try run(0), try run(Self.northing))
        #expect(zip(near, far).allSatisfy { abs($0 + Self.northing - $1) < 1e-3 }, "\(near) \(far)")
    }

    /// Floats are the same actions, rounded once.
    @Test func floatsAreTheDoublesRounded() throws {
        for merging in ChunkMerging.all {
            func run<Number>(_ action: (RealTimeController, RobotObservation) throws -> [Number]) throws -> [Number] {
                let robot = try RealTimeController(
                    Walker(isPrecise: true), configuration: ControlConfiguration(merging: merging), key: key)
                return try (0..<Self.steps).map { step in
                    defer { robot.worker.waitUntilIdle() }
                    return try action(robot, place(Self.northing, step))[0]
                }
            }
            #expect(try run { try $0.doubles(for: $1) }.map(Float.init) == run { try $0.action(for: $1) })
        }
    }

    @Test func warmStartsKeepCentimeters() throws {
        let policy = Walker(isPrecise: true)
        var controller = AsynchronousController(
            horizon: policy.horizon, configuration: ControlConfiguration(merging: .warmStart()), key: key)
        for step in 0..<5 {
            if let request = controller.observe(place(Self.northing, step), at: step) {
                controller.accept(try policy.predictActionChunks(for: [request])[0])
            }
            _ = controller.action(at: step)
        }
        // Requested at step 4 for steps 3 to 12: the first chunk, which reaches to step 8.
        let doubles = try #require(policy.starts.first?.doubles)
        for (row, step) in (3...12).enumerated() {
            #expect(abs(doubles[row][0] - Self.northing - 0.01 * Double(min(step, 8))) < 1e-6)
        }
    }
}
