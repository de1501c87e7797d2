import DPTraining
import Foundation
import TestSupport
import Testing

/// Values that the reference's learning-rate schedule and EMA computed.
private struct OptimizationGoldens: Decodable {
    let cosineWithWarmup: Cosine
    let emaDecay: EMADecay

    struct Cosine: Decodable {
        let lr: Double
        let warmup: Int
        let total: Int
        /// Pairs of an update and its learning rate.
        let stepLr: [[Double]]
    }

    struct EMADecay: Decodable {
        /// Pairs of an update and the decay after it.
        let kDecay: [[Double]]
    }
}

@Suite(.enabled(if: Goldens.has("optimisation.json"), "optimisation.json is absent"))
struct ScheduleGoldenTests {
    private let goldens: OptimizationGoldens

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

    @Test func emaDecay() {
        for pair in goldens.emaDecay.kDecay {
            #expect(abs(EMASchedule().decay(at: Int(pair[0])) - pair[1]) <= 1e-6, "update \(pair[0])")
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
    try EMASchedule().validate()
    try LearningRateSchedule.cosine().validate()
    let optimizers: [(inout AdamWConfiguration) -> Void] = [
        { $0.learningRate = 0 }, { $0.learningRate = .nan }, { $0.beta1 = 1 }, { $0.beta2 = -0.1 }, { $0.epsilon = 0 },
        { $0.weightDecay = -1 }, { $0.weightDecay = .infinity },
    ]
    for change in optimizers {
        #expect(throws: (any Error).self) { try changed(AdamWConfiguration(), change).validate() }
    }
    let schedules: [(inout EMASchedule) -> Void] = [
        { $0.power = 0 }, { $0.inverseGamma = 0 }, { $0.maximum = 1 }, { ($0.minimum, $0.maximum) = (0.9, 0.8) },
        { $0.minimum = .nan },
    ]
    for change in schedules {
        #expect(throws: (any Error).self) { try changed(EMASchedule(), change).validate() }
    }
    #expect(throws: (any Error).self) { try LearningRateSchedule.cosine(warmUp: -1).validate() }
}

@Test(arguments: [LearningRateSchedule.constant, .cosine(), .cosine(warmUp: 7)])
func learningRateScheduleSurvivesCoding(schedule: LearningRateSchedule) throws {
    let decoder = JSONDecoder()
    #expect(try decoder.decode(LearningRateSchedule.self, from: JSONEncoder().encode(schedule)) == schedule)
    #expect(try decoder.decode(LearningRateSchedule.self, from: Data(#""cosine""#.utf8)) == .cosine(warmUp: 500))
}
