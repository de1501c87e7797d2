import DPPolicy
import Foundation
import TestSupport
import Testing

/// Tests of the steps that a sampler visits.
@Suite struct SpacingTests {
    /// The steps that diffusers visits.
    private struct Golden: Decodable {
        let cases: [Case]

        struct Case: Decodable {
            let spacing: Sampler.Spacing
            let trainingSteps: Int
            let timesteps: [Int]
        }
    }

    private func visited(_ sampler: Sampler, of trainingSteps: Int = 100) throws -> [Int] {
        try sampler.table(for: .noise, schedule: NoiseSchedule(steps: trainingSteps)).map(\.timestep)
    }

    @Test(arguments: Sampler.Spacing.allCases)
    func stepsAreThoseOfDiffusers(spacing: Sampler.Spacing) throws {
        let goldens = try Goldens.decode(Golden.self, from: "spacing.json", keys: .convertFromSnakeCase)
        let cases = goldens.cases.filter { $0.spacing == spacing }
        #expect(cases.count > 100)
        for golden in cases {
            let (count, all) = (golden.timesteps.count, golden.trainingSteps)
            #expect(try visited(.ddim(steps: count, spacing: spacing), of: all) == golden.timesteps)
            #expect(try visited(.ddpm(steps: count, spacing: spacing), of: all) == golden.timesteps)
        }
    }

    /// The network expects pure noise only at the noisiest step.
    @Test func everyNumberOfStepsBeginsAtTheNoisiestOne() throws {
        for all in [1, 2, 10, 97, 100, 1000] {
            for count in 1...all {
                let steps = try visited(.ddim(steps: count), of: all)
                #expect(steps.count == count)
                #expect(steps.first == all - 1)
                #expect(steps.allSatisfy((0..<all).contains))
                #expect(zip(steps, steps.dropFirst()).allSatisfy(>))
            }
        }
    }

    /// A step ends where the next one begins: with a perfect network, a sampler without noise follows the diffused
    /// sample.
    @Test(arguments: Sampler.Spacing.allCases)
    func stepsLeadToEachOther(spacing: Sampler.Spacing) throws {
        let schedule = try NoiseSchedule()
        let (sample, noise) = (0.3, -0.8)
        for count in 1...100 {
            let table = try Sampler.ddim(steps: count, spacing: spacing).table(for: .noise, schedule: schedule)
            for (step, next) in zip(table, table.dropFirst()) {
                func diffused(_ timestep: Int) -> Double {
                    schedule.sampleScales[timestep] * sample + schedule.noiseScales[timestep] * noise
                }
                let found = step.previous(current: diffused(step.timestep), output: noise, noise: 0, clip: nil)
                #expect(abs(found - diffused(next.timestep)) < 1e-9)
            }
        }
    }

    @Test func aSamplerThatBeginsInTheMiddleSaysSo() throws {
        let schedule = try NoiseSchedule()
        func remark(_ sampler: Sampler) throws -> String? { try sampler.remark(on: schedule) }
        for count in [1, 2, 34, 51, 60, 75] {
            #expect(try remark(.ddim(steps: count, spacing: .leading)) != nil, "\(count) steps")
        }
        for count in [9, 10, 16, 20, 25, 50, 100] {
            #expect(try remark(.ddim(steps: count, spacing: .leading)) == nil, "\(count) steps")
        }
        for count in 1...100 {
            #expect(try remark(.ddim(steps: count)) == nil)
            #expect(try (remark(.ddpm(steps: count, spacing: .linspace)) == nil) == (count > 1))
        }
        let text = try #require(try remark(.ddim(steps: 51, spacing: .leading)))
        #expect(
            text.hasPrefix("sampler ddim 51 leading: expected pure noise at the first step, found step 50 of 0...99"))
        #expect(text.contains("trailing"))
        // If even the noisiest step is not pure noise, no sampler can begin closer to it.
        let mild = try NoiseSchedule(betas: .linear())
        #expect(try Sampler.ddim(steps: 10).remark(on: mild) == nil)
        #expect(try Sampler.ddim(steps: 51, spacing: .leading).remark(on: mild) != nil)
    }

    /// Samplers that were stored without a spacing keep their behavior.
    @Test func withoutASpacingStepsAreLeading() throws {
        func decoded(_ json: String) throws -> Sampler {
            try JSONDecoder().decode(Sampler.self, from: Data(json.utf8))
        }
        #expect(try decoded(#"{"name": "ddim", "steps": 16, "eta": 0}"#) == .ddim(steps: 16, spacing: .leading))
        #expect(try decoded(#"{"name": "ddpm", "steps": 51}"#) == .ddpm(steps: 51, spacing: .leading))
        #expect(try decoded(#"{"name": "ddpm", "steps": null}"#) == .ddpm())
        #expect(throws: DecodingError.self) { try decoded(#"{"name": "ddim", "spacing": "middle"}"#) }
        let text = String(decoding: try JSONEncoder().encode(Sampler.ddim(steps: 3)), as: UTF8.self)
        #expect(text.contains(#""spacing":"trailing""#))
    }

    @Test func theUnusualSpacingIsNamed() {
        #expect(Sampler.ddim(steps: 10).summary(trainingSteps: 100) == "ddim 10")
        #expect(Sampler.ddim(steps: 10, spacing: .leading).summary(trainingSteps: 100) == "ddim 10 leading")
        #expect(Sampler.ddpm(spacing: .leading).summary(trainingSteps: 100) == "ddpm 100")
    }
}
