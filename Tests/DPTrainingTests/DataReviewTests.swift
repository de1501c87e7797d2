import DPBase
import DPDatasets
import DPInterface
import DPPolicy
import Foundation
import TestSupport
import Testing

@testable import DPTraining

/// Tests of the warnings and errors about a dataset before training.
@Suite struct DataReviewTests {
    private func demonstrations(_ change: (String, Int, Float) -> Float) throws -> InMemoryDataset {
        let buffer = try ToyRobot.demonstrations()
        return try InMemoryDataset(
            features: buffer.features.values.map { feature in
                InMemoryDataset.Feature(
                    feature.name, shape: feature.shape,
                    values: feature.values.enumerated().map { change(feature.name, $0 % feature.size, $1) })
            }, episodeEnds: buffer.episodeEnds)
    }

    private func losses(_ demonstrations: InMemoryDataset) throws -> [Double] {
        let trainer = try ToyRobot.trainer(demonstrations: demonstrations)
        return try trainer.batches(count: 3).map { try trainer.step($0).loss }
    }

    /// With values scaled by 2⁻²⁰, normalized numbers and losses are bit-for-bit the same.
    @Test func smallNumbersAreLearnedAsLargeOnes() throws {
        #expect(try losses(demonstrations { 0x1p-20 * $2 }) == losses(ToyRobot.demonstrations()))
    }

    @Test func listsConstantComponents() throws {
        let still = try demonstrations { name, column, value in
            name == "action" && column == 2 ? 0.25 : name == "joints" && column == 6 ? 1000 : value
        }
        let trainer = try ToyRobot.trainer(demonstrations: still)
        #expect(trainer.warnings.count == 1)
        #expect(trainer.warnings[0].contains("joints[6] (1000), action[2] (0.25);"))
        #expect(try ToyRobot.trainer().warnings.isEmpty)
        // The untrained network would predict another value.
        let chunk = try trainer.policy().predictActionChunks(for: [
            ChunkRequest(
                observations: Array(
                    repeating: RobotObservation(vectors: ["joints": [Float](repeating: 0.1, count: 7), "gripper": [0]]),
                    count: 2), key: RandomKey(seed: 1))
        ])[0]
        #expect(chunk.prediction.allSatisfy { $0[2] == 0.25 && $0[1] != 0.25 })
    }

    @Test func listsOutliersWithFrameAndEpisode() throws {
        let buffer = try ToyRobot.demonstrations()
        var joints = try buffer.feature("joints")
        joints.values[(2 * 12 + 5) * 7 + 3] = -80
        let spiked = try InMemoryDataset(
            features: [joints, buffer.feature("gripper"), buffer.feature("action")], episodeEnds: buffer.episodeEnds)
        let warnings = try ToyRobot.trainer(demonstrations: spiked).warnings
        #expect(warnings.count == 1)
        #expect(warnings[0].hasPrefix("joints[3] is -80 in frame 5 of episode 2, far from "))
        // Quantiles would not help with so few frames.
        #expect(warnings[0].hasSuffix(": check it"))
    }

    /// With clamping, training does not depend on the size of a single outlier.
    @Test func clampedQuantilesAreLearnedFrom() throws {
        func losses(_ spike: Float) throws -> [Double] {
            var recipe = ToyRobot.recipe()
            recipe.policy.normalization = Normalization(observations: .clampedQuantiles, action: .clampedQuantiles)
            let buffer = try ToyRobot.demonstrations(episodes: 12)
            var action = try buffer.feature("action")
            action.values[3] = spike
            let trainer = try ToyRobot.trainer(
                recipe,
                demonstrations: try InMemoryDataset(
                    features: [buffer.feature("joints"), buffer.feature("gripper"), action],
                    episodeEnds: buffer.episodeEnds))
            return try trainer.batches(count: 4).map { try trainer.step($0).loss }
        }
        #expect(try losses(1e6) == losses(1e3))
        #expect(try refusal(Normalization(action: .quantiles)).contains("clamped_quantiles"))
    }

    private func refusal(
        clip: Double? = 1, conditioning: Conditioning = .global, _ normalization: Normalization,
        _ change: (String, Int, Float) -> Float = { $2 }
    ) throws -> String {
        var recipe = ToyRobot.recipe()
        recipe.policy.diffusion.clip = clip
        recipe.policy.conditioning = conditioning
        recipe.policy.normalization = normalization
        let demonstrations = try demonstrations(change)
        return message { _ = try ToyRobot.trainer(recipe, demonstrations: demonstrations) }
    }

    private func tripled(_ name: String, _ column: Int, _ value: Float) -> Float {
        name == "action" && column == 5 ? 40 + value : value
    }

    @Test func refusesActionsBeyondTheClip() throws {
        let found = try refusal(Normalization(action: .identity), tripled)
        #expect(found.contains("policy.normalization.action"))
        #expect(found.contains("40.") && found.contains("action[5]") && found.contains("clip"))
        #expect(try refusal(clip: nil, Normalization(action: .identity), tripled).isEmpty)
        #expect(try refusal(Normalization(action: .identity)).isEmpty)
        #expect(try refusal(clip: 0.5, Normalization()).contains("policy.normalization.action"))
        #expect(try refusal(Normalization(), tripled).isEmpty)
    }

    /// Observations are sampled only with inpainting.
    @Test func observationsBeyondTheClipAreRefusedWhereTheyAreSampled() throws {
        let rules = Normalization(features: ["joints": .identity])
        func far(_ name: String, _ column: Int, _ value: Float) -> Float { name == "joints" ? value - 7 : value }
        let found = try refusal(conditioning: .inpainting, rules, far)
        #expect(found.contains("policy.normalization.features.joints") && found.contains("joints["))
        #expect(try refusal(rules, far).isEmpty)
    }

    /// Returns the warnings for the same limits of all components except the last, which may have its own.
    private func warnings(_ lower: Double, _ upper: Double, last: (Double, Double)? = nil) throws -> [String] {
        var recipe = ToyRobot.recipe()
        recipe.policy.action.limits = .init(
            lower: Array(repeating: lower, count: 6) + [last?.0 ?? lower],
            upper: Array(repeating: upper, count: 6) + [last?.1 ?? upper])
        return try ToyRobot.trainer(recipe).warnings
    }

    @Test func warnsOfLimitsThatContradictTheActions() throws {
        let actions = try ToyRobot.demonstrations().feature("action").values
        let outside = stride(from: 3, to: actions.count, by: 7).map { actions[$0] }.filter { $0 > 0.45 }
        let excess = (outside.max() ?? 0) - 0.45
        let warnings = try warnings(-1, 0.45)
        let warning = try #require(warnings.first { $0.contains("action[3]") })
        #expect(warning.contains("\(outside.count) of 48") && outside.count > 0)
        #expect(warning.contains(String(format: "by up to %.6g;", Double(excess))))
        #expect(try self.warnings(-1, 1).isEmpty)
    }

    @Test func refusesLimitsWithoutActions() throws {
        let found = message { _ = try warnings(100, 1000) }
        #expect(found.contains("policy.action.limits") && found.contains("action[0]"))
        #expect(found.contains("100.0 … 1000.0, and not one number inside"))
        #expect(try warnings(0.4, 1).count == 7)
        // All numbers of one component lie on one side of its limits.
        #expect(message { _ = try warnings(-1, 1, last: (100, 1000)) }.contains("action[6]"))
        // No number of the component lies inside, but they lie on both sides: the action stays at its limits.
        let held = try warnings(-1, 1, last: (-1e-4, 1e-4))
        #expect(held.count == 1 && held.allSatisfy { $0.contains("action[6]") }, "\(held)")
    }
}
