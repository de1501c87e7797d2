import DPInterface
import Foundation
import TestSupport
import Testing

@testable import DPDatasets

@Suite(.enabled(if: HumanDemonstrations.folder != nil, Comment(rawValue: HumanDemonstrations.hint)))
struct HumanDemonstrationsTests {
    private func load() throws -> InMemoryDataset {
        try InMemoryDataset(contentsOf: try #require(HumanDemonstrations.folder))
    }

    @Test func holdsAllEpisodesWithoutImages() throws {
        let buffer = try load()
        #expect(buffer.featureSizes == ["state": 5, "action": 2, "keypoint": 18, "n_contacts": 1])
        #expect(buffer.episodes.count == 206)
        #expect(buffer.frameCount == 25_650)
        #expect(buffer.features["keypoint"]?.shape == [9, 2])
    }

    @Test func hasAsManyWindowsAsTheReference() throws {
        #expect(try SequenceSampler(try load(), horizon: Horizon()).count == 24_208)
    }

    /// The digest of the reference's `create_indices` and `sample_sequence`, run on the same recordings in NumPy.
    @Test func hasTheWindowsOfTheReference() throws {
        let buffer = try load()
        let sampler = try SequenceSampler(buffer, horizon: Horizon())
        let observations = try buffer.observations(.pushTKeypoints)
        let actions = try buffer.feature("action").values
        let digest = SHA256()
        for window in 0..<sampler.count {
            for (values, width, steps) in [(observations, 20, 2), (actions, 2, 16)] {
                for frame in (0..<steps).map({ sampler.frame(window: window, step: $0) }) {
                    values[frame * width..<(frame + 1) * width].withUnsafeBytes { digest.update($0) }
                }
            }
        }
        #expect(digest.finish() == "afbba4eb58bf016d709c7b813997a38e1e10f9d28c8d30db6f27e9346349fe29")
    }

    @Test func describesFeaturesForARecipe() throws {
        let description = try DatasetDescription(contentsOf: try #require(HumanDemonstrations.folder))
        #expect(description.suggestion?.observation == .pushTKeypoints)
        #expect(description.suggestion?.observationDimension == 20)
        #expect(description.description.contains("an episode has 49 to 246 frames, the median is 122"))
        #expect(description.features.first { $0.name == "img" }?.statistics == nil)
    }
}
