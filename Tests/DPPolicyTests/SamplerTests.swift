import DPBase
import DPPolicy
import Foundation
import Testing

private let everySampler: [Sampler] = [
    .ddpm(), .ddpm(variance: .fixedLarge), .ddpm(steps: 10), .ddim(), .ddim(steps: 7, eta: 0.5),
    .ddim(steps: 1, eta: 1), .ddim(steps: 60), .ddim(steps: 60, eta: 1, spacing: .linspace),
    .ddpm(steps: 51, spacing: .leading),
]

@Test func leadingVisitsEvenlySpacedStepsDownToZero() throws {
    let schedule = try NoiseSchedule()
    for count in 1...100 {
        let visited = try Sampler.ddim(steps: count, spacing: .leading).table(for: .noise, schedule: schedule).map(
            \.timestep)
        #expect(visited.count == count)
        #expect(visited.last == 0)
        #expect(zip(visited, visited.dropFirst()).allSatisfy { $0 - $1 == 100 / count })
    }
    #expect(
        try Sampler.ddpm(steps: 10, spacing: .leading).table(for: .noise, schedule: schedule).map(\.timestep)
            == [90, 80, 70, 60, 50, 40, 30, 20, 10, 0])
}

/// With a perfect network, every sampler reaches the sample, regardless of the noise added on the way.
@Test(arguments: everySampler, Prediction.allCases)
func perfectNetworkLeadsToTheSample(sampler: Sampler, prediction: Prediction) throws {
    let schedule = try NoiseSchedule()
    let sample = 0.25
    var current = 1.5
    for (index, step) in try sampler.table(for: prediction, schedule: schedule).enumerated() {
        let noise = (current - schedule.sampleScales[step.timestep] * sample) / schedule.noiseScales[step.timestep]
        let target = prediction.target(at: step.timestep, of: schedule)
        let output = target.sampleFactor * sample + target.noiseFactor * noise
        current = step.previous(current: current, output: output, noise: index.isMultiple(of: 2) ? 1 : -1, clip: 1)
    }
    #expect(abs(current - sample) < 1e-9)
}

@Test func fullEtaOfDDIMIsDDPM() throws {
    let schedule = try NoiseSchedule(betas: .linear())
    for prediction in Prediction.allCases {
        let ddpm = try Sampler.ddpm(steps: 20).table(for: prediction, schedule: schedule)
        let ddim = try Sampler.ddim(steps: 20, eta: 1).table(for: prediction, schedule: schedule)
        for (first, second) in zip(ddpm, ddim) {
            let ours = first.previous(current: 0.7, output: 0.2, noise: 0.4, clip: nil)
            #expect(abs(ours - second.previous(current: 0.7, output: 0.2, noise: 0.4, clip: nil)) < 1e-9)
        }
    }
}

@Test(arguments: everySampler)
func lastStepAddsNoNoise(sampler: Sampler) throws {
    let table = try sampler.table(for: .noise, schedule: NoiseSchedule())
    #expect(table.last?.noiseScale == 0)
    #expect(table.contains { $0.noiseScale > 0 } == (sampler.isStochastic && table.count > 1))
}

@Test(arguments: [0, -3, 101, .max])
func impossibleNumberOfVisitedStepsIsRefused(steps: Int) {
    for sampler in [Sampler.ddim(steps: steps), .ddpm(steps: steps)] {
        let error = #expect(throws: InputError.self) {
            try sampler.table(for: .noise, schedule: NoiseSchedule())
        }
        #expect(error?.description == "sampler.steps: expected 1...100, the steps of the diffusion, found \(steps)")
    }
}

@Test(arguments: [-0.1, 1.1, .nan, .infinity])
func impossibleEtaIsRefused(eta: Double) {
    #expect(throws: InputError.self) { try Sampler.ddim(eta: eta).validate(trainingSteps: 100) }
}

@Test(arguments: everySampler)
func samplerSurvivesCoding(sampler: Sampler) throws {
    #expect(try JSONDecoder().decode(Sampler.self, from: JSONEncoder().encode(sampler)) == sampler)
}

@Test func configurationsAreSpelledAsInDiffusers() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let paper = try String(decoding: encoder.encode(DiffusionConfiguration()), as: UTF8.self)
    #expect(paper == #"{"betas":"squaredcos_cap_v2","clip":1,"prediction":"epsilon","steps":100}"#)

    func decoded<Value: Decodable>(_ json: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(json.utf8))
    }
    #expect(try decoded(#""scaled_linear""#) == BetaSchedule.scaledLinear())
    #expect(try decoded(#"{"name": "linear", "end": 0.5}"#) == BetaSchedule.linear(end: 0.5))
    #expect(try decoded(#""ddim""#) == Sampler.ddim())
    #expect(
        try decoded(#"{"name": "ddim", "steps": 16, "eta": 1, "spacing": "trailing"}"#)
            == Sampler.ddim(steps: 16, eta: 1))
    #expect(try decoded(#"{"name": "ddpm", "variance": "fixed_large"}"#) == Sampler.ddpm(variance: .fixedLarge))
    for betas in [BetaSchedule.squaredCosine, .linear(start: 0.1, end: 0.2), .scaledLinear()] {
        #expect(try decoded(String(decoding: encoder.encode(betas), as: UTF8.self)) == betas)
    }
    #expect(throws: DecodingError.self) { let _: Sampler = try decoded(#""ddxm""#) }
    #expect(throws: DecodingError.self) { let _: BetaSchedule = try decoded(#"{"start": 0.1}"#) }
}
