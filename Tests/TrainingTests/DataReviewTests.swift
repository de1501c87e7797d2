import Demonstrations
import Foundation
import NoiseSchedules
import Policies
import PolicyInterface
import TestSupport
import Testing

@testable import Training

/// What is told of demonstrations, and refused, before anything is learned.
@Suite struct DataReviewTests {
    private func demonstrations(_ change: (String, Int, Float) -> Float) throws -> ReplayBuffer {
        let buffer = try ToyRobot.demonstrations()
        return try ReplayBuffer(
            fields: buffer.fields.values.map { field in
                ReplayBuffer.Field(
                    field.name, shape: field.shape,
                    values: field.values.enumerated().map { change(field.name, $0 % field.width, $1) })
            }, episodeEnds: buffer.episodeEnds)
    }

    private func losses(_ demonstrations: ReplayBuffer) throws -> [Double] {
        let trainer = try ToyRobot.trainer(demonstrations: demonstrations)
        return try trainer.batches(count: 3).map { try trainer.step($0).loss }
    }

    /// In units of a millionth, normalized numbers are the same bit for bit, and so is all that is learned.
    @Test func smallNumbersAreLearnedAsLargeOnes() throws {
        #expect(try losses(demonstrations { 0x1p-20 * $2 }) == losses(ToyRobot.demonstrations()))
    }

    @Test func constantsAreTold() throws {
        let still = try demonstrations { name, column, value in
            name == "action" && column == 2 ? 0.25 : name == "joints" && column == 6 ? 1000 : value
        }
        let trainer = try ToyRobot.trainer(demonstrations: still)
        #expect(trainer.warnings.count == 1)
        #expect(trainer.warnings[0].contains("joints[6] (1000), action[2] (0.25);"))
        #expect(try ToyRobot.trainer().warnings.isEmpty)
        // The untrained network says something else.
        let chunk = try trainer.policy().chunks(for: [
            ChunkRequest(
                observations: Array(
                    repeating: Observation(vectors: ["joints": [Float](repeating: 0.1, count: 7), "gripper": [0]]),
                    count: 2), key: RandomKey(seed: 1))
        ])[0]
        #expect(chunk.prediction.allSatisfy { $0[2] == 0.25 && $0[1] != 0.25 })
    }

    @Test func outliersAreToldWithFrameAndEpisode() throws {
        let buffer = try ToyRobot.demonstrations()
        var joints = try buffer.field("joints")
        joints.values[(2 * 12 + 5) * 7 + 3] = -80
        let spiked = try ReplayBuffer(
            fields: [joints, buffer.field("gripper"), buffer.field("action")], episodeEnds: buffer.episodeEnds)
        let warnings = try ToyRobot.trainer(demonstrations: spiked).warnings
        #expect(warnings.count == 1)
        #expect(warnings[0].hasPrefix("joints[3] is -80 in frame 5 of episode 2, far from "))
        // Quantiles of so few frames would not help.
        #expect(warnings[0].hasSuffix(": check it"))
    }

    /// All that is learned is the same, whatever a single number is, where it is clamped.
    @Test func clampedQuantilesAreLearnedFrom() throws {
        func losses(_ spike: Float) throws -> [Double] {
            var recipe = ToyRobot.recipe()
            recipe.policy.normalisation = Normalisation(observations: .clampedQuantiles, action: .clampedQuantiles)
            let buffer = try ToyRobot.demonstrations(episodes: 12)
            var action = try buffer.field("action")
            action.values[3] = spike
            let trainer = try ToyRobot.trainer(
                recipe,
                demonstrations: try ReplayBuffer(
                    fields: [buffer.field("joints"), buffer.field("gripper"), action], episodeEnds: buffer.episodeEnds))
            return try trainer.batches(count: 4).map { try trainer.step($0).loss }
        }
        #expect(try losses(1e6) == losses(1e3))
        #expect(try refusal(Normalisation(action: .quantiles)).contains("clamped_quantiles"))
    }

    private func refusal(
        clip: Double? = 1, conditioning: Conditioning = .global, _ normalisation: Normalisation,
        _ change: (String, Int, Float) -> Float = { $2 }
    ) throws -> String {
        var recipe = ToyRobot.recipe()
        recipe.policy.diffusion.clip = clip
        recipe.policy.conditioning = conditioning
        recipe.policy.normalisation = normalisation
        let demonstrations = try demonstrations(change)
        return message { _ = try ToyRobot.trainer(recipe, demonstrations: demonstrations) }
    }

    private func tripled(_ name: String, _ column: Int, _ value: Float) -> Float {
        name == "action" && column == 5 ? 40 + value : value
    }

    @Test func whatLiesBeyondTheClipIsRefused() throws {
        let found = try refusal(Normalisation(action: .identity), tripled)
        #expect(found.contains("policy.normalisation.action"))
        #expect(found.contains("40.") && found.contains("action[5]") && found.contains("clip"))
        #expect(try refusal(clip: nil, Normalisation(action: .identity), tripled).isEmpty)
        #expect(try refusal(Normalisation(action: .identity)).isEmpty)
        #expect(try refusal(clip: 0.5, Normalisation()).contains("policy.normalisation.action"))
        #expect(try refusal(Normalisation(), tripled).isEmpty)
    }

    /// Observations are sampled too where they are inpainted, and only there.
    @Test func observationsBeyondTheClipAreRefusedWhereTheyAreSampled() throws {
        let rules = Normalisation(fields: ["joints": .identity])
        func far(_ name: String, _ column: Int, _ value: Float) -> Float { name == "joints" ? value - 7 : value }
        let found = try refusal(conditioning: .inpainting, rules, far)
        #expect(found.contains("policy.normalisation.fields.joints") && found.contains("joints["))
        #expect(try refusal(rules, far).isEmpty)
    }

    /// The warnings for the same limits of all components but the last, which has its own.
    private func warnings(_ lower: Double, _ upper: Double, last: (Double, Double)? = nil) throws -> [String] {
        var recipe = ToyRobot.recipe()
        recipe.policy.action.limits = .init(
            lower: Array(repeating: lower, count: 6) + [last?.0 ?? lower],
            upper: Array(repeating: upper, count: 6) + [last?.1 ?? upper])
        return try ToyRobot.trainer(recipe).warnings
    }

    @Test func limitsThatContradictTheActionsAreTold() throws {
        let actions = try ToyRobot.demonstrations().field("action").values
        let outside = stride(from: 3, to: actions.count, by: 7).map { actions[$0] }.filter { $0 > 0.45 }
        let excess = (outside.max() ?? 0) - 0.45
        let warnings = try warnings(-1, 0.45)
        let warning = try #require(warnings.first { $0.contains("action[3]") })
        #expect(warning.contains("\(outside.count) of 48") && outside.count > 0)
        #expect(warning.contains(String(format: "by up to %.6g;", Double(excess))))
        #expect(try self.warnings(-1, 1).isEmpty)
    }

    @Test func limitsThatHoldNothingAreRefused() throws {
        let found = message { _ = try warnings(100, 1000) }
        #expect(found.contains("policy.action.limits") && found.contains("action[0]"))
        #expect(found.contains("100.0 … 1000.0, and not one number inside"))
        #expect(try warnings(0.4, 1).count == 7)
        // All of one component on one side of its limits.
        #expect(message { _ = try warnings(-1, 1, last: (100, 1000)) }.contains("action[6]"))
        // Nothing of it inside, but on both sides: it stands still at its limits.
        let held = try warnings(-1, 1, last: (-1e-4, 1e-4))
        #expect(held.count == 1 && held.allSatisfy { $0.contains("action[6]") }, "\(held)")
    }
}
