import DPBase
import DPInterface
import Foundation
import Logging
import TestSupport
import Testing

@testable import DPDatasets

/// Tests of which parts of a dataset are read and which are ignored.
@Suite struct ReadingTests {
    let folder: TemporaryFolder
    private let schema = ObservationSchema([FeatureSelection("obs")])

    init() throws { folder = try TemporaryFolder() }

    /// Writes a dataset of three episodes of two frames, plus anything that `body` writes.
    @discardableResult
    private func write(ends: [Int64] = [2, 4, 6], _ body: (ZarrWriter) throws -> Void = { _ in }) throws -> URL {
        let url = folder("a.zarr")
        try ZarrWriter.create(at: url) { writer in
            try writer.write("data/obs", shape: [6, 2], floats: fill("obs", count: 12), chunkRows: 1)
            try writer.write("data/action", shape: [6, 2], floats: fill("action", count: 12), chunkRows: 1)
            try writer.write("meta/episode_ends", shape: [ends.count], integers: ends)
            try body(writer)
        }
        return url
    }

    private func read(
        _ url: URL, _ schema: ObservationSchema? = nil, log: Messages = Messages()
    ) throws -> InMemoryDataset {
        try InMemoryDataset(contentsOf: url, observing: schema ?? self.schema, action: "action", logger: log.logger)
    }

    /// Replaces a key of a feature's metadata.
    private func change(_ feature: String, _ key: String, to value: Any) throws {
        let file = folder("a.zarr/data/\(feature)/.zarray")
        var metadata = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        metadata[key] = value
        try JSONSerialization.data(withJSONObject: metadata).write(to: file)
    }

    /// Sizes whose product with the number of frames exceeds any integer.
    @Test(arguments: [1 << 40, 1 << 57, 1 << 58, 1 << 61])
    func sizesBeyondAllMemoryAreRefused(width: Int) throws {
        let url = try write()
        try change("obs", "shape", to: [6, width])
        try change("obs", "chunks", to: [1, 2])
        #expect(throws: (any Error).self) { try read(url) }
        try change("obs", "chunks", to: [1, width])
        #expect(throws: (any Error).self) { try read(url) }
        #expect(throws: Never.self) { try DatasetDescription(contentsOf: url) }
    }

    /// Text, another codec, Fortran order, another length, no metadata, a dead link, NaN: none of these features is
    /// requested.
    @Test func ignoresUnselectedFeatures() throws {
        let url = try write { writer in
            for name in ["text", "packed", "fortran", "lost"] {
                try writer.write("data/\(name)", shape: [6, 1], floats: fill(name, count: 6))
            }
            try writer.write("data/calibration", shape: [3, 3], floats: fill("c", count: 9))
            try writer.write("data/depth", shape: [6, 300, 300], bytes: [UInt8](repeating: 1, count: 6 * 90_000))
            try writer.write("data/holes", shape: [6, 1], floats: [1, .nan, 3, 4, .infinity, 6])
            try writer.write("data/img", shape: [6, 3, 4, 4], bytes: [UInt8](repeating: 1, count: 288))
        }
        try change("text", "dtype", to: "<U4")
        try change("packed", "compressor", to: ["id": "gzip", "level": 1])
        try change("fortran", "order", to: "F")
        try FileManager.default.removeItem(at: folder("a.zarr/data/lost/.zarray"))
        try FileManager.default.createSymbolicLink(
            at: folder("a.zarr/data/linked"), withDestinationURL: URL(fileURLWithPath: "/nowhere/linked"))

        let buffer = try read(url)
        #expect(buffer.featureSizes == ["obs": 2, "action": 2])
        #expect(buffer.images.isEmpty)

        let description = try DatasetDescription(contentsOf: url)
        let obstacles = Dictionary(
            uniqueKeysWithValues: description.features.map { ($0.name, $0.obstacle ?? "") })
        #expect(obstacles["obs"] == "" && obstacles["action"] == "")
        for (name, reason) in [
            ("text", "found <U4"), ("packed", "found gzip"), ("fortran", "found F"), ("lost", "found no such file"),
            ("calibration", "expected 6 frames, as the last of meta/episode_ends says, found 3"),
            ("depth", "a frame of 90000 numbers"), ("holes", "found nan in frame 1, component 0"),
            ("img", "move the channels behind"), ("linked", "a link to /nowhere/linked, which is not there"),
        ] { #expect(obstacles[name]?.contains(reason) == true, "\(name): \(obstacles[name] ?? "not listed")") }
        #expect(description.suggestion?.observation.features.map(\.name) == ["obs"])
        #expect(description.description.contains("cannot be used for training: "))

        #expect(message { _ = try read(url, .init([.init("linked")])) }.contains("a link to /nowhere/linked"))
        #expect(message { _ = try read(url, .init([.init("text")])) }.contains("found <U4"))
    }

    @Test func ignoresUnselectedComponents() throws {
        let url = try write { writer in
            try writer.write("data/joints", shape: [6, 3], floats: (0..<18).map { $0 % 3 == 1 ? .nan : Float($0) })
        }
        let schema = ObservationSchema([
            FeatureSelection("joints", slice: 0..<1), FeatureSelection("joints", slice: 2..<3),
        ])
        #expect(try read(url, schema).observations(schema).prefix(4) == [0, 2, 3, 5])
        #expect(
            message { _ = try read(url, .init([.init("joints", slice: 1..<3)])) }
                .contains("found nan in frame 0, component 1"))
        #expect(message { _ = try read(url, .init([.init("joints")])) }.contains("component 1"))
    }

    @Test func readsFeaturesInGroups() throws {
        let url = try write { writer in
            try writer.write("data/robot0/arm/position", shape: [6, 3], floats: fill("p", count: 18))
        }
        let schema = ObservationSchema([FeatureSelection("robot0/arm/position")])
        #expect(try read(url, schema).featureSizes == ["robot0/arm/position": 3, "action": 2])
        #expect(try InMemoryDataset(contentsOf: url).featureSizes.keys.contains("robot0/arm/position"))
        let description = try DatasetDescription(contentsOf: url)
        #expect(description.suggestion?.observation.features.map(\.name) == ["obs", "robot0/arm/position"])

        var zip = ZipFixture()
        try zip.add(contentsOf: url, prefix: "")
        try zip.data.write(to: folder("a.zarr.zip"))
        #expect(try read(folder("a.zarr.zip"), schema) == read(url, schema))
    }

    @Test func missingFeaturesListTheAvailableOnes() throws {
        let url = try write()
        #expect(
            message { _ = try read(url, .init([], images: [.init("wrist")])) }
                .contains(#"data/wrist: expected an image "wrist", found none of this name among action, obs"#))
        #expect(message { _ = try read(url, .init([.init("pose")])) }.contains("data/pose: expected a feature"))
        let link = folder("linked.zarr")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder("gone.zarr"))
        #expect(message { _ = try read(link) }.contains("cannot reach \(link.path): "))
        #expect(message { _ = try read(folder("absent.zarr")) }.contains("found no such file"))
    }

    @Test func absentChunksHaveTheFillValue() throws {
        let url = try write()
        for frame in [1, 4] { try FileManager.default.removeItem(at: folder("a.zarr/data/obs/\(frame).0")) }
        try change("obs", "fill_value", to: 7.5)
        let messages = Messages()
        let values = try read(url, log: messages).feature("obs").values
        var expected = fill("obs", count: 12)
        for index in [2, 3, 8, 9] { expected[index] = 7.5 }
        #expect(values == expected)
        #expect(messages.texts == ["\(url.path), data/obs: 2 of 6 chunks are absent and stand for 7.5"])
        let description = try DatasetDescription(contentsOf: url)
        #expect(description.features.first { $0.name == "obs" }?.absentChunks == 2)
        #expect(description.description.contains("obs: 2 of 6 chunks are absent, and"))

        var zip = ZipFixture()
        try zip.add(contentsOf: url, prefix: "x.zarr/")
        try zip.data.write(to: folder("a.zarr.zip"))
        #expect(try read(folder("a.zarr.zip")).feature("obs").values == values)

        // A chunk behind a dead link is not absent.
        try FileManager.default.createSymbolicLink(
            at: folder("a.zarr/data/obs/1.0"), withDestinationURL: URL(fileURLWithPath: "/nowhere/annex"))
        #expect(message { _ = try read(url) }.contains("a link to /nowhere/annex, which is not there"))
    }

    @Test func doesNotWarnOfFewAbsentChunks() throws {
        let url = folder("b.zarr")
        try ZarrWriter.create(at: url) { writer in
            try writer.write("data/obs", shape: [100, 1], floats: fill("obs", count: 100), chunkRows: 1)
            try writer.write("data/action", shape: [100, 1], floats: fill("action", count: 100))
            try writer.write("meta/episode_ends", shape: [1], integers: [100])
        }
        for frame in 0..<3 { try FileManager.default.removeItem(at: folder("b.zarr/data/obs/\(frame).0")) }
        let messages = Messages()
        #expect(try read(url, log: messages).feature("obs").values[..<3] == [0, 0, 0])
        #expect(messages.texts.isEmpty)
        try FileManager.default.removeItem(at: folder("b.zarr/data/obs/3.0"))
        _ = try read(url, log: messages)
        #expect(messages.texts.count == 1)
    }

    @Test func episodesWithoutFramesAreLeftOut() throws {
        let messages = Messages()
        let url = try write(ends: [0, 2, 2, 6])
        #expect(try read(url, log: messages).episodes == [0..<2, 2..<6])
        #expect(
            messages.texts == ["\(url.path): 2 of 4 episodes have no frames and are left out: 0, 2"])
        let description = try DatasetDescription(contentsOf: url)
        #expect(description.episodes.count == 2 && description.episodes.empty == 2)
    }

    /// Episodes are numbered as in the file, where episodes without frames also have a number.
    @Test func episodesAreNumberedAsInTheFile() throws {
        let url = folder("spike.zarr")
        var values = fill("spike", count: 200)
        values[123] = 1000
        try ZarrWriter.create(at: url) { writer in
            try writer.write("data/obs", shape: [200, 1], floats: values)
            try writer.write("data/action", shape: [200, 1], floats: fill("action", count: 200))
            try writer.write("meta/episode_ends", shape: [5], integers: [0, 50, 50, 100, 200])
        }
        let outlier = try #require(
            DatasetDescription(contentsOf: url).features.first { $0.name == "obs" }?.outliers.first)
        #expect(outlier.episode == 4 && outlier.frame == 23)
        let buffer = try read(url)
        #expect(buffer.place(of: 123).description == "frame 23 of episode 4")
        #expect(buffer.place(of: 49).description == "frame 49 of episode 1")
        let drawn = try buffer.rendering("img", size: ImageSize(height: 1, width: 1), from: "obs") { _ in
            RGBImage(width: 1, height: 1, filledWith: (0, 0, 0))
        }
        #expect(drawn.place(of: 123) == buffer.place(of: 123))
        let wrong = try write(ends: [0, 4, 2, 6])
        #expect(message { _ = try read(wrong) }.contains("more than 4 for episode 2, found 2"))
    }
}

/// Collects log messages from a single thread.
private final class Messages: LogHandler, @unchecked Sendable {
    private(set) var texts: [String] = []
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.notice
    var logger: Logger { Logger(label: "test") { _ in self } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { texts.append("\(event.message)") }
}
