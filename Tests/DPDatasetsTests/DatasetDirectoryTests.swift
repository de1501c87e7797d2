import Foundation
import TestSupport
import Testing

@testable import DPDatasets

/// Tests of datasets that grow on disk.
@Suite struct DemonstrationSetTests {
    let folder: TemporaryFolder
    let dataset: DatasetDirectory

    init() throws {
        folder = try TemporaryFolder()
        dataset = DatasetDirectory(folder("set.zarr"), features: ["state": [2], "action": []])
    }

    private func episode(_ number: Int, frames: Int = 3) throws -> InMemoryDataset {
        try InMemoryDataset(
            features: [
                InMemoryDataset.Feature("state", shape: [2], values: fill("state \(number)", count: 2 * frames)),
                InMemoryDataset.Feature("action", shape: [], values: fill("action \(number)", count: frames)),
            ], episodeEnds: [frames])
    }

    @Test func growsByAnEpisodeAtATime() throws {
        #expect(try dataset.open() == DatasetDirectory.Size(episodes: 0, frames: 0))
        #expect(try dataset.append(episode(0)) == DatasetDirectory.Size(episodes: 1, frames: 3))
        #expect(try dataset.append(episode(1, frames: 5)) == DatasetDirectory.Size(episodes: 2, frames: 8))
        #expect(try dataset.open() == DatasetDirectory.Size(episodes: 2, frames: 8))
        let found = try InMemoryDataset(contentsOf: dataset.url)
        #expect(try found == episode(0).appending(episode(1, frames: 5)))
        #expect(found.episodes == [0..<3, 3..<8])
        #expect(folder.names == ["set.zarr"])
    }

    @Test func removesLeftoversOfAKilledProcess() throws {
        try dataset.append(episode(0))
        let before = try InMemoryDataset(contentsOf: dataset.url)
        for _ in 0..<2 {
            try episode(1).write(to: folder(".set.zarr.writing-\(UUID().uuidString)"))
            #expect(try InMemoryDataset(contentsOf: dataset.url) == before)
        }
        #expect(try dataset.open() == DatasetDirectory.Size(episodes: 1, frames: 3))
        #expect(folder.names == ["set.zarr"])
        // Simulate a kill between the two steps of a file system without an atomic swap.
        try FileManager.default.moveItem(at: dataset.url, to: folder(".set.zarr.previous"))
        #expect(try dataset.append(episode(1)).episodes == 2)
        #expect(try InMemoryDataset(contentsOf: dataset.url) == before.appending(episode(1)))
        #expect(folder.names == ["set.zarr"])
    }

    @Test func severalMayAppendAtOnce() throws {
        let dataset = dataset
        let episodes = try (0..<8).map { try episode($0) }
        DispatchQueue.concurrentPerform(iterations: episodes.count) { _ = try? dataset.append(episodes[$0]) }
        #expect(try dataset.open().episodes == episodes.count)
    }

    @Test func aFailureLeavesTheDatasetUnchanged() throws {
        struct Failure: Error {}
        try dataset.append(episode(0))
        let before = try InMemoryDataset(contentsOf: dataset.url)
        #expect(throws: Failure.self) {
            try ZarrWriter.replace(at: dataset.url) { writer in
                try writer.write("data/state", shape: [1, 2], floats: [1, 2])
                throw Failure()
            }
        }
        #expect(try InMemoryDataset(contentsOf: dataset.url) == before)
        #expect(folder.names == ["set.zarr"])
    }

    @Test func keepsSymbolicLinks() throws {
        try dataset.append(episode(0))
        try FileManager.default.createSymbolicLink(at: folder("link"), withDestinationURL: dataset.url)
        let linked = DatasetDirectory(folder("link"), features: dataset.features)
        #expect(try linked.append(episode(1)).episodes == 2)
        #expect(try InMemoryDataset(contentsOf: dataset.url).episodes.count == 2)
        #expect(folder.names == ["link", "set.zarr"])
    }

    @Test func refusesIncompatibleDatasets() throws {
        let other = DatasetDirectory(dataset.url, features: ["state": [2]])
        try dataset.append(episode(0))
        #expect(message { _ = try other.open() }.contains("no others, found action"))
        #expect(message { try other.append(episode(1)) }.contains("features state [2]"))
        let wider = DatasetDirectory(dataset.url, features: ["state": [3], "action": []])
        #expect(message { _ = try wider.open() }.contains("state [3]"))
        #expect(try InMemoryDataset(contentsOf: dataset.url) == episode(0))

        try Data().write(to: folder("file"))
        #expect(message { _ = try DatasetDirectory(folder("file"), features: [:]).open() }.contains("found a file"))
        #expect(message { _ = try DatasetDirectory(folder("no/set"), features: [:]).open() }.contains("written to"))
    }
}
