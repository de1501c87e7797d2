import TestSupport
import Testing

@testable import DPPushT

/// Compares the starts of gym-pusht since 0.1.6 with numbers from gym-pusht 0.1.8, gymnasium and NumPy.
@Suite struct GymPushTSeedTests {
    private struct File: Decodable {
        let draws: [Draws]
        let starts: [Start]
        let episodes: [Episode]

        struct Draws: Decodable {
            let seed: UInt64
            let bits: [UInt64]
            let wide: [Int]
            let uneven: [Int]
            let single: Int
            let uniform: [Double]
        }
        struct Start: Decodable {
            let seed: UInt64
            let start: [Double]
        }
        struct Episode: Decodable {
            let seed: UInt64
            let start: [Double]
            let steps: [Step]
        }
        struct Step: Decodable {
            let action: [Double]
            let state: [Double]
            let coverage: Double
        }
    }

    private let file: File

    init() throws { file = try Goldens.decode(from: "pusht_seeds.json") }

    private func environment(seed: UInt64) -> PushTEnvironment {
        var definition = PushTDefinition()
        definition.seeds = .gymPushT
        return PushTEnvironment(seed: seed, definition: definition)
    }

    @Test func drawsAreThoseOfNumPy() {
        #expect(!file.draws.isEmpty)
        for golden in file.draws {
            var random = NumPyGenerator(seed: golden.seed)
            #expect(golden.bits.map { _ in random.bits64() } == golden.bits, "seed \(golden.seed)")
            random = NumPyGenerator(seed: golden.seed)
            #expect(golden.wide.map { _ in random.integer(in: 50..<450) } == golden.wide, "seed \(golden.seed)")
            let uneven = -5..<(1 << 31) - 4
            #expect(golden.uneven.map { _ in random.integer(in: uneven) } == golden.uneven, "seed \(golden.seed)")
            #expect(random.integer(in: 9..<10) == golden.single)
            #expect(
                golden.uniform.map { _ in random.uniform(in: -.pi ..< .pi) } == golden.uniform, "seed \(golden.seed)")
        }
    }

    @Test func startsAreThoseOfGymPushT() throws {
        #expect(file.starts.count > 50)
        for golden in file.starts {
            let state = environment(seed: golden.seed).state.values
            #expect(Array(state[..<2]) == Array(golden.start[..<2]), "seed \(golden.seed), agent")
            for (found, expected) in zip(state[2..<4], golden.start[2..<4]) {
                #expect(abs(found - expected) <= 1e-9, "seed \(golden.seed), block")
            }
            #expect(angularDistance(state[4], golden.start[4]) <= 1e-12, "seed \(golden.seed), angle")
        }
        #expect(Array(environment(seed: 100_000).state.values[..<2]) == [113, 100])
        #expect(Array(PushTEnvironment(seed: 100_000).state.values[..<2]) == [235, 124])
    }

    @Test func episodesAreThoseOfGymPushT() throws {
        #expect(!file.episodes.isEmpty)
        for golden in file.episodes {
            let environment = environment(seed: golden.seed)
            for (index, step) in golden.steps.enumerated() {
                try environment.step(toward: SIMD2(step.action[0], step.action[1]))
                let (place, state) = ("seed \(golden.seed), step \(index)", environment.state.values)
                for number in 0..<4 { #expect(abs(state[number] - step.state[number]) <= 1e-3, "\(place)") }
                #expect(angularDistance(state[4], step.state[4]) <= 1e-3, "\(place)")
                #expect(abs(environment.coverage - step.coverage) <= 1e-5, "\(place)")
            }
            #expect(golden.steps.contains { $0.state[2...] != golden.start[2...] }, "the block is never pushed")
        }
    }
}
