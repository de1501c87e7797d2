import Foundation
import TestSupport
import Testing
import Training

/// What the reference's learning-rate schedule and moving average computed.
private struct OptimisationGoldens: Decodable {
    let cosineWithWarmup: Cosine
    let emaDecay: MovingAverage

    struct Cosine: Decodable {
        let lr: Double
        let warmup: Int
        let total: Int
        /// Pairs of an update and its learning rate.
        let stepLr: [[Double]]
    }

    struct MovingAverage: Decodable {
        /// Pairs of an update and the decay after it.
        let kDecay: [[Double]]
    }
}

@Suite(.enabled(if: Goldens.has("optimisation.json"), "optimisation.json is absent"))
struct ScheduleGoldenTests {
    private let goldens: OptimisationGoldens

    init() throws {
        goldens = try Goldens.decode(from: "optimisation.json", keys: .convertFromSnakeCase)
    }

    @Test func cosineWithWarmUp() {
        let golden = goldens.cosineWithWarmup
        let schedule = LearningRateSchedule.cosine(warmUp: golden.warmup)
        for pair in golden.stepLr {
            let ours = schedule.learningRate(at: Int(pair[0]), of: golden.total, peak: golden.lr)
            #expect(abs(ours - pair[1]) <= 1e-6 * golden.lr, "update \(pair[0])")
        }
    }

    @Test func movingAverageDecay() {
        for pair in goldens.emaDecay.kDecay {
            #expect(abs(MovingAverageDecay().decay(at: Int(pair[0])) - pair[1]) <= 1e-6, "update \(pair[0])")
        }
    }
}

@Test func learningRateRisesThenFalls() {
    let schedule = LearningRateSchedule.cosine(warmUp: 10)
    let rates = (0...110).map { schedule.learningRate(at: $0, of: 100, peak: 2) }
    #expect(rates[0] == 0)
    #expect(rates[10] == 2)
    #expect(zip(rates[..<10], rates[1...10]).allSatisfy { $0 < $1 })
    #expect(zip(rates[10..<100], rates[11...100]).allSatisfy { $0 > $1 })
    #expect(rates[100...].allSatisfy { abs($0) < 1e-12 })
    #expect(LearningRateSchedule.constant.learningRate(at: 0, of: 100, peak: 2) == 2)
    #expect(LearningRateSchedule.cosine(warmUp: 0).learningRate(at: 0, of: 100, peak: 2) == 2)
}

@Test func settingsAreChecked() throws {
    try AdamWConfiguration().validate()
    try MovingAverageDecay().validate()
    try LearningRateSchedule.cosine().validate()
    for optimizer in [
        AdamWConfiguration(learningRate: 0), .init(learningRate: .nan), .init(beta1: 1),
        .init(beta2: -0.1), .init(epsilon: 0), .init(weightDecay: -1), .init(weightDecay: .infinity),
    ] {
        #expect(throws: (any Error).self) { try optimizer.validate() }
    }
    for decay in [
        MovingAverageDecay(power: 0), .init(inverseGamma: 0), .init(maximum: 1), .init(minimum: 0.9, maximum: 0.8),
        .init(minimum: .nan),
    ] {
        #expect(throws: (any Error).self) { try decay.validate() }
    }
    #expect(throws: (any Error).self) { try LearningRateSchedule.cosine(warmUp: -1).validate() }
}

@Test(arguments: [LearningRateSchedule.constant, .cosine(), .cosine(warmUp: 7)])
func learningRateScheduleSurvivesCoding(schedule: LearningRateSchedule) throws {
    let decoder = JSONDecoder()
    #expect(try decoder.decode(LearningRateSchedule.self, from: JSONEncoder().encode(schedule)) == schedule)
    #expect(try decoder.decode(LearningRateSchedule.self, from: Data(#""cosine""#.utf8)) == .cosine(warmUp: 500))
}
