import DPBase
import DPDatasets
import DPInterface
import Foundation
import TestSupport
import Testing

@Suite struct RecordedImagesTests {
    let folder: TemporaryFolder
    private let bytes = (0..<2 * 4 * 5 * 3).map { UInt8($0 * 2) }

    init() throws { folder = try TemporaryFolder() }

    /// Writes a dataset of two frames with an array of images.
    private func write(_ name: String, _ body: (ZarrWriter) throws -> Void) throws {
        try ZarrWriter.create(at: folder(name)) { writer in
            try body(writer)
            try writer.write("data/action", shape: [2, 1], floats: [1, 2])
            try writer.write("meta/episode_ends", shape: [1], integers: [2])
        }
    }

    @Test func readsBytesAndFloatsAlike() throws {
        try write("bytes.zarr") { try $0.write("data/img", shape: [2, 4, 5, 3], bytes: bytes, chunkRows: 1) }
        try write("numbers.zarr") {
            try $0.write("data/img", shape: [2, 4, 5, 3], floats: bytes.map { Float($0) + 0.4 }, chunkRows: 1)
        }
        for name in ["bytes.zarr", "numbers.zarr"] {
            let buffer = try InMemoryDataset(contentsOf: folder(name), images: ["img"])
            #expect(buffer.images["img"]?.pixels == bytes)
            #expect(buffer.imageSizes == ["img": ImageSize(height: 4, width: 5)])
            #expect(buffer.featureSizes == ["action": 1])
            #expect(try buffer.images("img")[1].pixels == Array(bytes[60...]))
        }
    }

    @Test func roundTrip() throws {
        try write("a.zarr") { try $0.write("data/img", shape: [2, 4, 5, 3], bytes: bytes) }
        let buffer = try InMemoryDataset(contentsOf: folder("a.zarr"), images: ["img"])
        try buffer.write(to: folder("b.zarr"))
        #expect(try InMemoryDataset(contentsOf: folder("b.zarr"), images: ["img"]) == buffer)
    }

    /// Black is the same in 0 … 1 and in 0 … 255.
    @Test func acceptsBlackFloatImages() throws {
        try write("a.zarr") {
            try $0.write("data/img", shape: [2, 4, 5, 3], floats: [Float](repeating: 0, count: 120))
        }
        let buffer = try InMemoryDataset(contentsOf: folder("a.zarr"), images: ["img"])
        #expect(buffer.images["img"]?.pixels == [UInt8](repeating: 0, count: 120))
    }

    @Test func refusesInvalidImages() throws {
        func failure(_ name: String, _ body: (ZarrWriter) throws -> Void) throws -> String {
            try write(name, body)
            do { _ = try InMemoryDataset(contentsOf: folder(name), images: ["img"]) } catch { return "\(error)" }
            return "no error"
        }
        let floats = bytes.map(Float.init)
        let channelsFirst = try failure("a.zarr") { try $0.write("data/img", shape: [2, 3, 4, 5], bytes: bytes) }
        #expect(channelsFirst.contains("channels red, green, blue") && channelsFirst.contains("move the channels"))
        #expect(try failure("b.zarr") { try $0.write("data/img", shape: [2, 60], bytes: bytes) }.contains("[2, 60]"))
        #expect(
            try failure("c.zarr") { try $0.write("data/img", shape: [2, 4, 5, 3], integers: bytes.map(Int64.init)) }
                .contains("expected bytes, or floating-point numbers"))
        var wrong = floats
        wrong[61] = -1
        #expect(
            try failure("d.zarr") { try $0.write("data/img", shape: [2, 4, 5, 3], floats: wrong) }
                .contains("found -1.0 in frame 1"))
        wrong[61] = .nan
        #expect(
            try failure("e.zarr") { try $0.write("data/img", shape: [2, 4, 5, 3], floats: wrong) }
                .contains("found nan in frame 1"))
        let unit = try failure("g.zarr") {
            try $0.write("data/img", shape: [2, 4, 5, 3], floats: floats.map { $0 / 255 })
        }
        #expect(unit.contains("none above 1; multiply numbers"))
        #expect(try failure("f.zarr") { _ in }.contains("data/img: expected a feature of this name"))
    }

    @Test func imagesAreDrawnFromAFeature() throws {
        let states = fill("state", count: 12, base: 100, scale: 50)
        let buffer = try InMemoryDataset(
            features: [.init("state", shape: [2], values: states)], episodeEnds: [1, 4, 6])
        let size = ImageSize(height: 2, width: 3)
        let drawn = try buffer.rendering("img", size: size, from: "state") { state in
            RGBImage(width: 3, height: 2, filledWith: (UInt8(state[0]), UInt8(state[1]), 7))
        }
        #expect(drawn.features == buffer.features && drawn.episodes == buffer.episodes)
        for frame in 0..<6 {
            let expected = RGBImage(
                width: 3, height: 2, filledWith: (UInt8(states[2 * frame]), UInt8(states[2 * frame + 1]), 7))
            #expect(try drawn.images("img")[frame] == expected)
        }
        #expect(throws: InputError.self) {
            try buffer.rendering("img", size: size, from: "pose") { _ in expectedNever() }
        }
        #expect(
            throws: InputError.wrongSize(
                image: "img", expected: "2×3 pixels", found: ImageSize(height: 1, width: 1))
        ) {
            try buffer.rendering("img", size: size, from: "state") { _ in
                RGBImage(width: 1, height: 1, filledWith: (0, 0, 0))
            }
        }
    }

    @Test(.enabled(if: HumanDemonstrations.folder != nil, "\(HumanDemonstrations.hint)"))
    func peoplesDemonstrationsHaveAnImageAFrame() throws {
        let folder = try #require(HumanDemonstrations.folder)
        let buffer = try InMemoryDataset(contentsOf: folder, features: ["state"], images: ["img"])
        #expect(buffer.imageSizes == ["img": ImageSize(height: 96, width: 96)])
        #expect(try buffer.images("img").pixels.count == 25_650 * 96 * 96 * 3)
    }
}

private func expectedNever() -> RGBImage { preconditionFailure("nothing to draw") }
