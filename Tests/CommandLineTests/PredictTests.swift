import DPBase
import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// `dpolicy predict`.
@Suite struct PredictTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("policy"))
    }

    private func write(_ name: String, _ tensors: [SafetensorsTensor]) throws -> String {
        try SafetensorsWriter.write(tensors, to: folder(name))
        return folder(name).path
    }

    private func predict(_ input: String, _ options: String..., output: String) throws -> CommandLineRun.Outcome {
        let arguments = ["predict", "--policy", folder("policy").path, "--input", input]
        return try CommandLineRun(arguments + ["--output", folder(output).path, "--threads", "1"] + options).wait()
    }

    private func answer(_ output: String) throws -> (action: [Float], prediction: [Float]) {
        let file = try SafetensorsFile(contentsOf: folder(output))
        return (
            try file.floats("action", shape: [3, 3, 2]), try file.floats("action_prediction", shape: [3, 4, 2])
        )
    }

    private let state = fill("state", count: 30, base: 250, scale: 100)
    private let keypoint = fill("keypoint", count: 108, base: 250, scale: 100)
    private let noise = SafetensorsTensor("noise", shape: [3, 4, 2], .float32(fill("noise", count: 24)))

    /// The policy's observation: the whole state, and the first two numbers of the keypoints.
    private var observation: SafetensorsTensor {
        var rows: [Float] = []
        for row in 0..<6 {
            rows += state[row * 5..<row * 5 + 5]
            rows += keypoint[row * 18..<row * 18 + 2]
        }
        return SafetensorsTensor("observation", shape: [3, 2, 7], .float32(rows))
    }

    @Test func writesBothTensors() throws {
        let input = try write("in", [observation, noise])
        let outcome = try predict(input, "--json", output: "out")
        #expect(outcome.status == 0)
        #expect(try outcome.json()["action"] as? [Int] == [3, 3, 2])
        let (action, prediction) = try answer("out")
        // To − 1 ..< To − 1 + Ta of each item.
        for item in 0..<3 {
            #expect(Array(action[item * 6..<item * 6 + 6]) == Array(prediction[item * 8 + 2..<item * 8 + 8]))
        }
        #expect(prediction.allSatisfy { (0...512).contains($0) })

        let policy = try DiffusionPolicy(contentsOf: folder("policy").path, device: .cpu(threads: 1))
        let expected = try policy.predict(
            observations: observation.floats, noise: noise.floats, keys: (0..<3).map { RandomKey(seed: 0).folding($0) })
        #expect(prediction == expected)
    }

    @Test func warnsOfOutOfRangeObservations() throws {
        let input = try write("in", [observation, noise])
        let usual = try predict(input, "--json", "--strict", output: "usual")
        #expect(usual.status == 0 && usual.errors.isEmpty)
        #expect(try usual.json()["out_of_range_observations"] as? Int == 0)
        // Change the unit in one of three items.
        var numbers = observation.floats
        for index in 14..<28 { numbers[index] *= 57.3 }
        let far = try write("far", [SafetensorsTensor("observation", shape: [3, 2, 7], .float32(numbers)), noise])
        let outcome = try predict(far, "--json", output: "out")
        #expect(outcome.status == 0)
        #expect(try outcome.json()["out_of_range_observations"] as? Int == 2)
        #expect(
            outcome.errors.contains("warning: 2 of 6 observations lie far outside") && outcome.errors.contains("state[")
        )
        let refused = try predict(far, "--strict", output: "refused")
        #expect(refused.status == 1 && isOneLine(refused.errors, with: "state[", "as in the demonstrations"))
        #expect(!folder.names.contains("refused"))
    }

    /// Far from 0, in float64, the actions match those of the same observation near 0.
    @Test func numbersBeyondSinglePrecisionAreNotRounded() throws {
        let input = try write("in", [observation, noise])
        #expect(try predict(input, output: "near").status == 0)
        let offset = 0x1p31
        var stored = try PolicyDirectory(folder("policy")).read()
        stored.configuration.action.limits = nil
        func moved(_ map: ElementwiseAffine) -> ElementwiseAffine {
            ElementwiseAffine(
                scale: map.scale, offset: map.offset, origin: Array(repeating: offset, count: map.dimension))
        }
        stored.normalizer = Normalizer(
            observation: moved(stored.normalizer.observation), action: moved(stored.normalizer.action))
        try PolicyDirectory(folder("policy")).write(stored)
        let far = SafetensorsTensor(
            "observation", shape: [3, 2, 7], .float64(observation.floats.map { Double($0) + offset }))
        #expect(try predict(write("far.in", [far, noise]), output: "far").status == 0)
        let file = try SafetensorsFile(contentsOf: folder("far"))
        #expect(try file.entry("action").elementType == .float64)
        let prediction = try file.doubles("action_prediction", shape: [3, 4, 2])
        #expect(zip(prediction, try answer("near").prediction).allSatisfy { abs($0 - offset - Double($1)) < 1e-2 })
    }

    @Test func reportsClampedActions() throws {
        let input = try write("in", [observation, noise])
        #expect(try !predict(input, output: "free").errors.contains("limits"))
        var stored = try PolicyDirectory(folder("policy")).read()
        stored.configuration.action.limits = .init(lower: [0, 0], upper: [512, 1])
        try PolicyDirectory(folder("policy")).write(stored)
        let outcome = try predict(input, "--json", output: "held")
        let clamped = try #require(try outcome.json()["clamped_actions"] as? Int)
        let (free, held) = (try answer("free").prediction, try answer("held").prediction)
        let second = Array(stride(from: 1, to: 24, by: 2))
        let outside = second.count { free[$0] > 1 }
        #expect(clamped == outside && clamped > 0)
        #expect(held[0] == free[0] && second.allSatisfy { held[$0] <= 1 })
        #expect(outcome.errors.contains("warning: \(clamped) of 12 predicted actions"))
    }

    @Test func weightsIn8BitsChangeTheAnswerALittle() throws {
        let input = try write("in", [observation, noise])
        #expect(try predict(input, "--precision", "float32", output: "native").status == 0)
        #expect(try predict(input, "--precision", "float32", "--weights", "int8", output: "int8").status == 0)
        #expect(try predict(input, "--weights", "int4", output: "int4").status == 64)
        let (native, int8) = (try answer("native").prediction, try answer("int8").prediction)
        #expect(native != int8)
        #expect(zip(native, int8).allSatisfy { abs($0 - $1) < 25 })
    }

    @Test func readsATensorPerFeature() throws {
        let joined = try write("joined", [observation, noise])
        let apart = try write(
            "apart",
            [
                SafetensorsTensor("observation.state", shape: [3, 2, 5], .float32(state)),
                SafetensorsTensor("observation.keypoint", shape: [3, 2, 18], .float32(keypoint)), noise,
            ])
        #expect(try predict(joined, output: "a").status == 0)
        #expect(try predict(apart, output: "b").status == 0)
        #expect(try answer("a") == answer("b"))
    }

    @Test func theSeedDeterminesTheResult() throws {
        let input = try write("in", [observation])
        for (name, seed) in [("a", "1"), ("b", "1"), ("c", "2")] {
            #expect(try predict(input, "--seed", seed, "--sampler", "ddpm", "--steps", "3", output: name).status == 0)
        }
        #expect(try answer("a") == answer("b"))
        #expect(try answer("a") != answer("c"))
    }

    @Test func refusesInvalidInputs() throws {
        func tensor(_ name: String, _ shape: [Int], _ value: Float = 0) -> SafetensorsTensor {
            SafetensorsTensor(name, shape: shape, .float32([Float](repeating: value, count: shape.reduce(1, *))))
        }
        let cases: [([SafetensorsTensor], String)] = [
            ([tensor("observation", [3, 2, 6])], "[B, 2, 7]"),
            ([tensor("observation", [0, 2, 7])], "with B ≥ 1"),
            ([tensor("observation", [1, 2, 7], .nan)], "finite"),
            ([tensor("observation", [1, 2, 7]), tensor("noise", [1, 4, 3])], "[B, 4, 2]"),
            ([tensor("observation", [1, 2, 7]), tensor("noise", [2, 4, 2])], "1 items"),
            ([tensor("observation", [1, 2, 7]), tensor("nois", [1, 4, 2])], "nois"),
            ([tensor("observation", [1, 2, 7]), tensor("observation.state", [1, 2, 5])], "both"),
            ([tensor("observation.state", [1, 2, 5])], "observation.keypoint"),
            ([tensor("noise", [1, 4, 2])], "observation"),
        ]
        for (index, (tensors, words)) in cases.enumerated() {
            let input = try write("in\(index)", tensors)
            let outcome = try predict(input, output: "out")
            #expect(outcome.status == 1)
            #expect(isOneLine(outcome.errors, with: input, words), "\(outcome.errors)")
        }
        #expect(!folder.names.contains("out"))
    }

    @Test func refusesAHostileHeader() throws {
        var bytes = Data([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])
        bytes.append(contentsOf: "{}".utf8)
        try bytes.write(to: folder("hostile"))
        let outcome = try predict(folder("hostile").path, output: "out")
        #expect(outcome.status == 1)
        #expect(isOneLine(outcome.errors, with: "hostile"))
    }

    @Test func refusesMoreStepsThanTheDiffusionHas() throws {
        let outcome = try predict(write("in", [observation]), "--steps", "11", output: "out")
        #expect(outcome.status == 64)
        #expect(isOneLine(outcome.errors, with: "1...10", "found 11"))
    }
}

extension SafetensorsTensor {
    fileprivate var floats: [Float] {
        if case .float32(let values) = values { values } else { [] }
    }
}
