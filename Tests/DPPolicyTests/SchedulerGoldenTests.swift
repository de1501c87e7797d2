import DPPolicy
import Foundation
import TestSupport
import Testing

/// The values that the reference schedulers computed.
private struct SchedulerGoldens: Decodable {
    let betas: [Double]
    let alphasCumprod: [Double]
    let betasLinear: [Double]
    let betasScaledLinear: [Double]
    let addNoise: [Noised]
    let ddpmStep: [DDPMStep]
    let ddimStep: [DDIMStep]

    struct Noised: Decodable {
        let t: Int
        let x: [Double]
    }

    struct DDPMStep: Decodable {
        let predictionType: Prediction
        let clipSample: Bool
        let varianceType: Sampler.Variance
        let t: Int
        let mean: [Double]
        let variance: Double
    }

    struct DDIMStep: Decodable {
        let predictionType: Prediction
        let clipSample: Bool
        let steps: Int
        let eta: Double
        let t: Int
        let timesteps: [Int]
        let prev: [Double]
    }
}

@Suite(.enabled(if: Goldens.has("schedulers.json"), "schedulers.json is absent"))
struct SchedulerGoldenTests {
    private let goldens: SchedulerGoldens
    private let schedule: NoiseSchedule

    init() throws {
        goldens = try Goldens.decode(from: "schedulers.json", keys: .convertFromSnakeCase)
        schedule = try NoiseSchedule(steps: goldens.betas.count)
    }

    @Test func betaTables() {
        expectClose(schedule.betas, goldens.betas, tolerance: 1e-6, "squared cosine")
        expectClose(
            BetaSchedule.linear().betas(count: goldens.betas.count), goldens.betasLinear, tolerance: 1e-6, "linear")
        expectClose(
            BetaSchedule.scaledLinear().betas(count: goldens.betas.count), goldens.betasScaledLinear, tolerance: 1e-6,
            "scaled linear")
    }

    @Test func cumulativeProducts() {
        expectClose(schedule.alphasCumulativeProduct, goldens.alphasCumprod, tolerance: 2e-5, "ᾱ")
    }

    @Test func noising() {
        for golden in goldens.addNoise {
            let sample = input("input.x0", count: golden.x.count)
            let noise = input("input.noise", count: golden.x.count)
            let ours = zip(sample, noise).map {
                schedule.sampleScales[golden.t] * $0 + schedule.noiseScales[golden.t] * $1
            }
            expectClose(ours, golden.x, tolerance: 2e-5, "noising at step \(golden.t)")
        }
    }

    @Test func stepsOfDDPM() throws {
        for golden in goldens.ddpmStep {
            let table = try Sampler.ddpm(variance: golden.varianceType)
                .table(for: golden.predictionType, schedule: schedule)
            let step = try #require(table.first { $0.timestep == golden.t })
            let name = "\(golden.predictionType) \(golden.varianceType) clip \(golden.clipSample) step \(golden.t)"
            expectClose(
                perform(step, count: golden.mean.count, clip: golden.clipSample), golden.mean, tolerance: 2e-5, name)
            expectClose([step.noiseScale * step.noiseScale], [golden.variance], tolerance: 2e-5, "variance of \(name)")
        }
    }

    @Test func stepsOfDDIM() throws {
        for golden in goldens.ddimStep {
            let table = try Sampler.ddim(steps: golden.steps, eta: golden.eta, spacing: .leading)
                .table(for: golden.predictionType, schedule: schedule)
            #expect(table.map(\.timestep) == golden.timesteps)
            let step = try #require(table.first { $0.timestep == golden.t })
            expectClose(
                perform(step, count: golden.prev.count, clip: golden.clipSample), golden.prev, tolerance: 2e-5,
                """
                \(golden.predictionType), \(golden.steps) steps, η \(golden.eta), clip \(golden.clipSample), step \
                \(golden.t)
                """)
        }
    }

    /// Applies a step without fresh noise to the diffused sample and network output of the goldens.
    private func perform(_ step: SamplingStep, count: Int, clip: Bool) -> [Double] {
        zip(fill("input.xt", count: count, scale: 2), input("input.noise", count: count)).map {
            step.previous(current: Double($0), output: $1, noise: 0, clip: clip ? 1 : nil)
        }
    }

    private func input(_ name: String, count: Int) -> [Double] { fill(name, count: count).map(Double.init) }
}

/// Expects two lists to agree within a tolerance, which grows with the largest magnitude above 1, because the
/// goldens are in single precision.
private func expectClose(
    _ ours: [Double], _ golden: [Double], tolerance: Double, _ name: String,
    at location: SourceLocation = #_sourceLocation
) {
    #expect(ours.count == golden.count, "\(name)", sourceLocation: location)
    let magnitude = golden.reduce(1) { max($0, abs($1)) }
    let differences = zip(ours, golden).map { abs($0 - $1) }
    #expect(
        differences.allSatisfy { $0 <= tolerance * magnitude }, "\(name): off by \(differences)",
        sourceLocation: location)
}
