import Foundation
import TestSupport
import Testing

@testable import DPDatasets

/// Tests of datasets that grow on disk.
@Suite struct DemonstrationSetTests {
    let folder: TemporaryFolder
    let set: DatasetDirectory

    init() throws {
        folder = try TemporaryFolder()
        set = DatasetDirectory(folder("set.zarr"), features: ["state": [2], "action": []])
    }

    private func episode(_ number: Int, frames: Int = 3) throws -> InMemoryDataset {
        try InMemoryDataset(
            features: [
                InMemoryDataset.Feature("state", shape: [2], values: fill("state \(number)", count: 2 * frames)),
                InMemoryDataset.Feature("action", shape: [], values: fill("action \(number)", count: frames)),
            ], episodeEnds: [frames])
    }

    @Test func growsByAnEpisodeAtATime() throws {
        #expect(try set.open() == DatasetDirectory.Size(episodes: 0, frames: 0))
        #expect(try set.append(episode(0)) == DatasetDirectory.Size(episodes: 1, frames: 3))
        #expect(try set.append(episode(1, frames: 5)) == DatasetDirectory.Size(episodes: 2, frames: 8))
        #expect(try set.open() == DatasetDirectory.Size(episodes: 2, frames: 8))
        let found = try InMemoryDataset(contentsOf: set.url)
        #expect(try found == episode(0).appending(episode(1, frames: 5)))
        #expect(found.episodes == [0..<3, 3..<8])
        #expect(folder.names == ["set.zarr"])
    }

    @Test func whatAKilledProcessLeftIsRemoved() throws {
        try set.append(episode(0))
        let before = try InMemoryDataset(contentsOf: set.url)
        for _ in 0..<2 {
            try episode(1).write(to: folder(".set.zarr.writing-\(UUID().uuidString)"))
            #expect(try InMemoryDataset(contentsOf: set.url) == before)
        }
        #expect(try set.open() == DatasetDirectory.Size(episodes: 1, frames: 3))
        #expect(folder.names == ["set.zarr"])
        // Simulate a kill between the two steps of a file system without an atomic swap.
        try FileManager.default.moveItem(at: set.url, to: folder(".set.zarr.previous"))
        #expect(try set.append(episode(1)).episodes == 2)
        #expect(try InMemoryDataset(contentsOf: set.url) == before.appending(episode(1)))
        #expect(folder.names == ["set.zarr"])
    }

    @Test func severalMayAppendAtOnce() throws {
        let set = set
        let episodes = try (0..<8).map { try episode($0) }
        DispatchQueue.concurrentPerform(iterations: episodes.count) { _ = try? set.append(episodes[$0]) }
        #expect(try set.open().episodes == episodes.count)
    }

    @Test func aFailureLeavesTheSetAsItWas() throws {
        struct Failure: Error {}
        try set.append(episode(0))
        let before = try InMemoryDataset(contentsOf: set.url)
        #expect(throws: Failure.self) {
            try ZarrWriter.replace(at: set.url) { writer in
                try writer.write("data/state", shape: [1, 2], floats: [1, 2])
                throw Failure()
            }
        }
        #expect(try InMemoryDataset(contentsOf: set.url) == before)
        #expect(folder.names == ["set.zarr"])
    }

    @Test func aLinkStays() throws {
        try set.append(episode(0))
        try FileManager.default.createSymbolicLink(at: folder("link"), withDestinationURL: set.url)
        let linked = DatasetDirectory(folder("link"), features: set.features)
        #expect(try linked.append(episode(1)).episodes == 2)
        #expect(try InMemoryDataset(contentsOf: set.url).episodes.count == 2)
        #expect(folder.names == ["link", "set.zarr"])
    }

    @Test func refusesWhatItCannotContinue() throws {
        let other = DatasetDirectory(set.url, features: ["state": [2]])
        try set.append(episode(0))
        #expect(message { _ = try other.open() }.contains("no others, found action"))
        #expect(message { try other.append(episode(1)) }.contains("features state [2]"))
        let wider = DatasetDirectory(set.url, features: ["state": [3], "action": []])
        #expect(message { _ = try wider.open() }.contains("state [3]"))
        #expect(try InMemoryDataset(contentsOf: set.url) == episode(0))

        try Data().write(to: folder("file"))
        #expect(message { _ = try DatasetDirectory(folder("file"), features: [:]).open() }.contains("found a file"))
        #expect(message { _ = try DatasetDirectory(folder("no/set"), features: [:]).open() }.contains("written to"))
    }
}
