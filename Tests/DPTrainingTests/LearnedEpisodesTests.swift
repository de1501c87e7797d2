import DPDatasets
import DPInterface
import DPPolicy
import Foundation
import Logging
import Testing

@testable import DPTraining

/// Tests of which episodes are used for training, and of the messages about the others.
@Suite struct LearnedEpisodesTests {
    /// Returns a dataset of the arm with the given episode lengths; too short episodes lie far from all others.
    private func demonstrations(_ lengths: [Int], far: Float = 0) throws -> InMemoryDataset {
        let long = try ToyRobot.demonstrations(episodes: 1, frames: lengths.max() ?? 0)
        let shift = lengths.flatMap { count in [Float](repeating: count < 3 ? far : 0, count: count) }
        let frames = lengths.flatMap { Array(0..<$0) }
        let features = long.features.values.map { feature in
            InMemoryDataset.Feature(
                feature.name, shape: feature.shape,
                values: zip(frames, shift).flatMap { frame, shift in
                    feature.values[frame * feature.size..<(frame + 1) * feature.size].map { $0 + shift }
                })
        }
        return try InMemoryDataset(features: features, episodeEnds: lengths.indices.map { lengths[...$0].reduce(0, +) })
    }

    /// Returns a recipe whose horizons need episodes of three frames.
    private func recipe(_ change: (inout TrainingConfiguration) -> Void = { _ in }) -> Recipe {
        var recipe = ToyRobot.recipe {
            $0.validationRatio = 0
            change(&$0)
        }
        recipe.policy.horizon = Horizon(observation: 2, prediction: 4, action: 1)
        return recipe
    }

    @Test func warnsOfShortEpisodesAndExcludesThem() throws {
        let mixed = try ToyRobot.trainer(recipe(), demonstrations: demonstrations([2, 9, 1, 7], far: 100))
        let alone = try ToyRobot.trainer(recipe(), demonstrations: demonstrations([9, 7]))
        #expect(mixed.assembler.data.normalizer == alone.assembler.data.normalizer)
        #expect(mixed.assembler.data.fingerprint == alone.assembler.data.fingerprint)
        #expect(mixed.assembler.data.fingerprint.hasPrefix("2 episodes of 16 frames, hash "))
        #expect(
            mixed.warnings == [
                """
                2 of 4 episodes, 3 of 19 frames, are too short for training: horizons 2/4/1 (observation/prediction/action) need \
                episodes of 3 frames, and the shortest has 1; policy.horizon.prediction=2 would include all of them
                """
            ])
        #expect(alone.warnings.isEmpty)
        let origin = mixed.header().origin
        #expect(origin["learned_from"] == "2 of 4 episodes, 16 of 19 frames; 0 held out, 2 too short")
        #expect(alone.header().origin["learned_from"] == nil)
        #expect(mixed.assembler.data.training.count == alone.assembler.data.training.count)
    }

    /// Outliers, constants and limits consider only the episodes used for training; frames and episodes are
    /// numbered as in the dataset.
    @Test func reviewCoversTheTrainingEpisodes() throws {
        let buffer = try demonstrations([2, 9, 1, 7], far: 100)
        var joints = try buffer.feature("joints")
        joints.values[(12 + 4) * 7 + 3] = -80
        let spiked = try InMemoryDataset(
            features: [joints, buffer.feature("gripper"), buffer.feature("action")], episodeEnds: buffer.episodeEnds)
        #expect(try spiked.statistics(of: "joints", episodes: [1, 3]).outliers.map(\.row) == [16])
        var limited = recipe()
        let dimension = limited.policy.action.dimension
        limited.policy.action.limits = ActionConfiguration.Limits(
            lower: Array(repeating: -9, count: dimension), upper: Array(repeating: 9, count: dimension))
        let warnings = try ToyRobot.trainer(limited, demonstrations: spiked).warnings
        #expect(warnings.count == 2)
        #expect(warnings[0].hasPrefix("2 of 4 episodes"))
        #expect(warnings[1].hasPrefix("joints[3] is -80 in frame 4 of episode 3, far from "))
    }

    @Test func checkpointsAndPoliciesRecordTheirEpisodes() throws {
        try withTemporaryFolder { folder in
            let trainer = try ToyRobot.trainer(recipe(), demonstrations: demonstrations([2, 9, 1, 7]))
            let file = folder.appendingPathComponent("a.checkpoint")
            try trainer.saveCheckpoint(to: file)
            try trainer.exportPolicy(to: folder)
            let expected = "2 of 4 episodes, 16 of 19 frames; 0 held out, 2 too short"
            #expect(try Checkpoint(contentsOf: file).policy().origin["learned_from"] == expected)
            #expect(try PolicyDirectory(folder).document().origin["learned_from"] == expected)
            #expect(
                PolicyDescription(of: try PolicyDirectory(folder).document()).description
                    .contains("learned_from: \(expected)"))
        }
    }

    @Test func strictTurnsWarningsIntoErrors() throws {
        try withTemporaryFolder { folder in
            let demonstrations = try demonstrations([2, 9])
            let error = #expect(throws: TrainingError.self) {
                try TrainingRun(
                    directory: folder.appendingPathComponent("run"), recipe: recipe(), demonstrations: demonstrations,
                    isStrict: true, backend: ToyRobot.machine)
            }
            #expect("\(try #require(error))".hasPrefix("1 of 2 episodes, 2 of 11 frames, are too short for training"))
            #expect("\(try #require(error))".hasSuffix("--strict treats this as an error"))
            #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("run").path))
        }
    }

    @Test(arguments: [[9], [9, 2, 2]])
    func validationThatWouldBeEmptyIsRefused(lengths: [Int]) throws {
        let error = #expect(throws: TrainingError.self) {
            try ToyRobot.trainer(recipe { $0.validationRatio = 0.2 }, demonstrations: demonstrations(lengths))
        }
        let text = "\(try #require(error))"
        #expect(text.hasPrefix("training.validation_ratio: expected two episodes or more"))
        #expect(text.contains("found 1 of \(lengths.count)") && text.contains("the validation side is empty"))
    }

    /// The split considers only usable episodes, so that each side has a window.
    @Test func eitherSideHasWindows() throws {
        for seed in 0..<8 as Range<UInt64> {
            let trainer = try ToyRobot.trainer(
                recipe {
                    $0.validationRatio = 0.5
                    $0.seed = seed
                }, demonstrations: demonstrations([1, 9, 2, 2, 7, 1]))
            #expect(trainer.assembler.data.training.count > 0)
            #expect((trainer.assembler.data.validation?.count ?? 0) > 0)
        }
    }
}
