import DPBase
import DPDatasets
import DPInterface
import Foundation
import TestSupport
import Testing

@Suite struct ReplayBufferTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func buffer(frames: Int = 6, ends: [Int] = [2, 6]) throws -> InMemoryDataset {
        try InMemoryDataset(
            features: [
                .init("state", shape: [5], values: fill("state", count: frames * 5)),
                .init("keypoint", shape: [2, 2], values: fill("keypoint", count: frames * 4)),
                .init("action", shape: [2], values: fill("action", count: frames * 2)),
                .init("reward", shape: [], values: fill("reward", count: frames)),
            ], episodeEnds: ends)
    }

    @Test func roundTrip() throws {
        let buffer = try buffer()
        try buffer.write(to: folder("a.zarr"))
        #expect(try InMemoryDataset(contentsOf: folder("a.zarr")) == buffer)
        #expect(buffer.featureSizes == ["state": 5, "keypoint": 4, "action": 2, "reward": 1])
        #expect(buffer.episodes == [0..<2, 2..<6])
        let chosen = try InMemoryDataset(contentsOf: folder("a.zarr"), features: ["action", "action"])
        #expect(chosen.featureSizes == ["action": 2])
        #expect(message { try buffer.write(to: folder("a.zarr")) }.contains("expected nothing there yet"))
    }

    @Test func imagesStayInTheirFile() throws {
        try ZarrWriter.create(at: folder("a.zarr")) { writer in
            try writer.write("data/img", shape: [2, 4, 4, 3], bytes: [UInt8](repeating: 7, count: 96))
            try writer.write("data/action", shape: [2, 1], floats: [1, 2])
            try writer.write("meta/episode_ends", shape: [1], integers: [2])
        }
        #expect(try InMemoryDataset(contentsOf: folder("a.zarr")).featureSizes == ["action": 1])
        #expect(try InMemoryDataset(contentsOf: folder("a.zarr"), features: ["img"]).featureSizes == ["img": 48])
    }

    @Test func observationsHaveTheSelectedComponentsInOrder() throws {
        let buffer = try buffer()
        let rows = try buffer.observations(
            ObservationSchema([FeatureSelection("keypoint"), FeatureSelection("state", slice: 1..<3)]))
        let keypoint = fill("keypoint", count: 24)
        let state = fill("state", count: 30)
        #expect(rows.count == 36)
        #expect(Array(rows[18..<24]) == Array(keypoint[12..<16]) + Array(state[16..<18]))
        #expect(
            message { _ = try buffer.observations(.init([.init("agent")])) }.contains(#"expected a feature "agent""#))
        #expect(
            message { _ = try buffer.observations(.init([.init("action", slice: 1..<4)])) }
                == #"observation feature "action": expected slice 1..<4 inside the feature, found 2 numbers"#)
    }

    @Test func indicesSelectSingleComponents() throws {
        let buffer = try buffer()
        let schema = ObservationSchema([FeatureSelection("state", indices: [4, 0, 2])])
        let state = fill("state", count: 30)
        let rows = try buffer.observations(schema)
        #expect(rows.count == 18)
        #expect(Array(rows[3..<6]) == [state[9], state[5], state[7]])
        let resolved = try schema.resolved(featureSizes: buffer.featureSizes)
        #expect(resolved.dimension == 3)
        #expect(resolved.features[0].indices == [4, 0, 2])
        let observation = RobotObservation(vectors: ["state": Array(state[5..<10])])
        #expect(try resolved.vector(from: observation) == Array(rows[3..<6]))
        #expect(
            message { _ = try buffer.observations(.init([.init("action", indices: [0, 2])])) }
                == #"observation feature "action": expected indices [0, 2] inside the feature, found 2 numbers"#)
    }

    @Test func statisticsMatchTheComponents() throws {
        let buffer = try InMemoryDataset(
            features: [.init("action", shape: [2], values: [1, 1_000_000, 2, 1_000_001, 6, 1_000_002])],
            episodeEnds: [3])
        let statistics = try buffer.statistics(of: "action")
        #expect(statistics.minimum == [1, 1_000_000])
        #expect(statistics.maximum == [6, 1_000_002])
        #expect(statistics.mean == [3, 1_000_001])
        #expect(statistics.standardDeviation == [Float(7).squareRoot(), 1])
        let part = try buffer.statistics(of: ObservationSchema([FeatureSelection("action", slice: 1..<2)]))
        #expect(part.mean == [1_000_001])
    }

    @Test(arguments: [
        ([], "at least one episode, found none"), ([5, 3, 6], "more than 5 for episode 1, found 3"),
        ([-1, 6], "more than 0 for episode 0, found -1"), ([2, 5], "expected 5 frames, as the last of"),
        ([2, 7], "expected 7 frames, as the last of"),
    ])
    func episodeEndsThatDoNotFitAreRefused(ends: [Int], expected: String) throws {
        #expect(message { _ = try buffer(ends: ends) }.contains(expected))
        try ZarrWriter.create(at: folder("a.zarr")) { writer in
            try writer.write("data/action", shape: [6, 1], floats: [0, 1, 2, 3, 4, 5])
            try writer.write("meta/episode_ends", shape: [ends.count], integers: ends.map(Int64.init))
        }
        let text = message { _ = try InMemoryDataset(contentsOf: folder("a.zarr")) }
        #expect(text.hasPrefix(folder("a.zarr").path))
        #expect(text.contains(expected))
    }

    /// When read from a file, such episodes are skipped.
    @Test(arguments: [
        ([0, 6], "more than 0 for episode 0, found 0"), ([4, 4, 6], "more than 4 for episode 1, found 4"),
    ])
    func emptyEpisodesInMemoryAreRefused(ends: [Int], expected: String) {
        #expect(message { _ = try buffer(ends: ends) }.contains(expected))
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func numbersThatAreNotFiniteAreRefused(value: Float) throws {
        var values = fill("action", count: 12)
        values[7] = value
        try ZarrWriter.create(at: folder("a.zarr")) { writer in
            try writer.write("data/action", shape: [6, 2], floats: values)
            try writer.write("meta/episode_ends", shape: [1], integers: [6])
        }
        #expect(
            message { _ = try InMemoryDataset(contentsOf: folder("a.zarr")) }
                == "\(folder("a.zarr").path), data/action: expected finite numbers, found \(value) "
                + "in frame 3, component 1"
        )
    }

    @Test func missingPartsAreNamed() throws {
        try buffer().write(to: folder("a.zarr"))
        #expect(
            message { _ = try InMemoryDataset(contentsOf: folder("a.zarr"), features: ["pose"]) }
                .contains("data/pose: expected a feature of this name, found action, keypoint, reward, state"))
        try FileManager.default.removeItem(at: folder("a.zarr/data/state/0.0"))
        #expect(
            message { _ = try InMemoryDataset(contentsOf: folder("a.zarr"), missingChunks: .refuse) }
                .hasPrefix(
                    "\(folder("a.zarr").path)/data/state/0.0: expected a chunk of <f4 [6, 5], found no such file"))
        try FileManager.default.removeItem(at: folder("a.zarr/meta/episode_ends"))
        #expect(
            message { _ = try InMemoryDataset(contentsOf: folder("a.zarr")) }
                .contains("meta/episode_ends/.zarray: expected a zarr v2 array, found no such file"))
    }

    @Test func episodeEndsOfAnotherKindAreRefused() throws {
        try ZarrWriter.create(at: folder("a.zarr")) { writer in
            try writer.write("data/action", shape: [6, 1], floats: [0, 1, 2, 3, 4, 5])
            try writer.write("meta/episode_ends", shape: [1], floats: [6])
        }
        #expect(
            message { _ = try InMemoryDataset(contentsOf: folder("a.zarr")) }.contains(
                "expected whole numbers of 64 bits")
        )
    }

    @Test func describesADataset() throws {
        try buffer().write(to: folder("a.zarr"))
        let description = try DatasetDescription(contentsOf: folder("a.zarr"))
        #expect(description.episodes.count == 2)
        #expect(description.episodes.shortest == 2)
        #expect(description.episodes.longest == 4)
        #expect(description.features.map(\.name) == ["action", "keypoint", "reward", "state"])
        #expect(description.suggestion?.observation.features.map(\.name) == ["keypoint", "reward", "state"])
        #expect(description.suggestion?.observationDimension == 10)
        #expect(description.suggestion?.actionDimension == 2)
        #expect(description.description.contains("2 episodes, 6 frames; an episode has 2 to 4 frames, the median is 4"))
        #expect(
            description.description.contains(
                "    features:\n      - name: keypoint\n      - name: reward\n      - name: state"))
        #expect(description.description.contains("  action:\n    feature: action\n    dimension: 2"))
        let copy = try JSONDecoder().decode(DatasetDescription.self, from: JSONEncoder().encode(description))
        #expect(copy == description)

        let other = try DatasetDescription(contentsOf: folder("a.zarr"), action: "torque")
        #expect(other.suggestion == nil)
        #expect(other.description.contains("no recipe fits"))
    }
}
