import DPBase
import DPPushT
import TestSupport
import Testing

/// Compares the simulation with numbers from the reference implementation.
@Suite struct PushTGoldenTests {
    struct File: Decodable {
        let localKeypoints: [[Double]]
        let cases: [Case]

        enum CodingKeys: String, CodingKey {
            case localKeypoints = "local_keypoints"
            case cases
        }
    }

    struct Case: Decodable {
        let seed: UInt64
        let hold: Int
        let resetState: [Double]
        let resetCoverage: Double
        let resetKeypoints: [Double]
        let steps: [Step]

        enum CodingKeys: String, CodingKey {
            case seed, hold, steps
            case resetState = "reset_state"
            case resetCoverage = "reset_coverage"
            case resetKeypoints = "reset_keypoints"
        }
    }

    struct Step: Decodable {
        let k: Int
        let action: [Double]
        let state: [Double]
        let keypoints: [Double]
        let coverage: Double
        let reward: Double
        let done: Bool
    }

    @Test(.enabled(if: Goldens.has("pusht.json"), "pusht.json is not in the goldens"))
    func everyCase() throws {
        let file = try Goldens.decode(File.self, from: "pusht.json")
        #expect(!file.cases.isEmpty)
        for golden in file.cases {
            let environment = PushTEnvironment(seed: golden.seed)
            check(
                environment, step: 0, state: golden.resetState, keypoints: golden.resetKeypoints,
                coverage: golden.resetCoverage, "seed \(golden.seed), reset")
            for step in golden.steps {
                let target = SIMD2(step.action[0], step.action[1])
                for _ in 0..<golden.hold { try environment.step(toward: target) }
                let place = "seed \(golden.seed), step \(step.k)"
                check(
                    environment, step: step.k, state: step.state, keypoints: step.keypoints,
                    coverage: step.coverage, place)
                let record = PushTRecord(of: environment)
                #expect(abs(record.reward - step.reward) <= 1e-5, "\(place)")
                #expect(record.done == step.done, "\(place)")
                #expect(environment.isSuccess == step.done, "\(place)")
            }
        }
    }

    /// Keypoints in the block's own frame, from a state without rotation.
    @Test(.enabled(if: Goldens.has("pusht.json"), "pusht.json is not in the goldens"))
    func localKeypoints() throws {
        let golden = try Goldens.decode(File.self, from: "pusht.json").localKeypoints
        let environment = try PushTEnvironment(state: PushTState([50, 50, 256, 256, 0]))
        #expect(environment.keypoints.count == golden.count)
        for (found, expected) in zip(environment.keypoints, golden) {
            #expect(abs(found.x - 256 - expected[0]) <= 1e-9)
            #expect(abs(found.y - 256 - expected[1]) <= 1e-9)
        }
    }

    private func check(
        _ environment: PushTEnvironment, step: Int, state: [Double], keypoints: [Double], coverage: Double,
        _ place: String
    ) {
        #expect(environment.stepCount == step, "\(place)")
        let found = environment.state.values
        #expect(found.count == state.count)
        for index in 0..<4 {
            #expect(abs(found[index] - state[index]) <= 1e-3, "\(place), number \(index) of the state")
        }
        #expect(angularDistance(found[4], state[4]) <= 1e-3, "\(place), angle")
        #expect((0..<2 * Double.pi).contains(found[4]), "\(place), angle")
        let points = environment.keypoints.flatMap { [$0.x, $0.y] }
        #expect(points.count == keypoints.count)
        for (found, expected) in zip(points, keypoints) {
            #expect(abs(found - expected) <= 1e-3, "\(place), keypoints")
        }
        #expect(abs(environment.coverage - coverage) <= 1e-5, "\(place), coverage")
    }
}

/// Distance of two angles on the circle, in radians.
func angularDistance(_ first: Double, _ second: Double) -> Double {
    abs((first - second).remainder(dividingBy: 2 * .pi))
}
