import Foundation
import TestSupport
import Testing

@testable import DPBase
@testable import DPDatasets

@Suite struct ZarrTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Writes a folder with one array of the given metadata and chunks.
    private func array(_ zarray: String, chunks: [String: [UInt8]] = [:]) throws -> URL {
        let url = folder("test.zarr")
        try ZarrWriter.create(at: url) { _ in }
        let place = url.appendingPathComponent("data/a")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try Data(zarray.utf8).write(to: place.appendingPathComponent(".zarray"))
        for (name, bytes) in chunks {
            let chunk = place.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: chunk.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: chunk)
        }
        return url
    }

    /// Returns the text of a `.zarray` with some of its keys changed.
    private func zarray(
        shape: String = "[3, 2]", chunks: String = "[2, 2]", dtype: String = #""|u1""#, compressor: String = "null",
        fill: String = "0", order: String = "C", filters: String = "null", format: Int = 2, separator: String = "."
    ) -> String {
        """
        {"zarr_format": \(format), "shape": \(shape), "chunks": \(chunks), "dtype": \(dtype), "compressor": \(compressor), \
        "fill_value": \(fill), "order": "\(order)", "filters": \(filters), "dimension_separator": "\(separator)"}
        """
    }

    @Test(arguments: BloscSettings.Codec.allCases, [BloscSettings.Shuffle.none, .bytes, .bits])
    func everyCodecAndShuffleIsReadBack(codec: BloscSettings.Codec, shuffle: BloscSettings.Shuffle) throws {
        let values = (0..<1000).map { Float($0 % 37) / 4 }
        let settings = BloscSettings(codec: codec, level: 5, shuffle: shuffle)
        try ZarrWriter.create(at: folder("a.zarr")) { writer in
            try writer.write(
                "data/x", shape: [250, 2, 2], floats: values, chunkRows: 64, compression: .blosc(settings))
        }
        let array = try ZarrGroup(contentsOf: folder("a.zarr")).array("data/x")
        #expect(array.metadata.compression == .blosc(settings))
        #expect(try array.floats() == values)
        #expect(try array.floats(rows: 60..<200) == Array(values[240..<800]))
    }

    @Test func wholeNumbersAndBytesAreReadBack() throws {
        try ZarrWriter.create(at: folder("a.zarr")) { writer in
            try writer.write("meta/ends", shape: [3], integers: [5, -7, 1 << 40], chunkRows: 2, compression: .none)
            try writer.write("data/pixels", shape: [2, 2], bytes: [0, 1, 254, 255])
        }
        let group = try ZarrGroup(contentsOf: folder("a.zarr"))
        #expect(try group.array("meta/ends").integers() == [5, -7, 1 << 40])
        #expect(try group.array("data/pixels").integers() == [0, 1, 254, 255])
        #expect(try group.array("data/pixels").floats() == [0, 1, 254, 255])
        #expect(try group.arrayNames(in: "data") == ["pixels"])
        #expect(try group.arrayNames(in: "absent") == [])
        #expect(group.path == folder("a.zarr").path)
    }

    @Test(arguments: [".", "/"])
    func absentChunksAreCounted(separator: String) throws {
        let present = ["0.0", "1.1", "2.0"].map { $0.replacing(".", with: separator) }
        let url = try array(
            zarray(shape: "[5, 4]", separator: separator),
            chunks: Dictionary(uniqueKeysWithValues: present.map { ($0, [1, 2, 3, 4]) }))
        for stray in ["3.0", "0.7", "1.01", "notes"] {
            try Data([1]).write(to: url.appendingPathComponent("data/a/\(stray)"))
        }
        #expect(try ZarrGroup(contentsOf: url).array("data/a").absentChunks() == (3, 6))
        #expect(try ZarrGroup(contentsOf: url).array("data/a").integers().count == 20)
    }

    @Test(arguments: [".", "/"])
    func chunksInEveryDimensionAreJoined(separator: String) throws {
        // [3, 4, 5] in chunks of [2, 3, 2]: chunks at the edge contain numbers outside the array.
        var chunks: [String: [UInt8]] = [:]
        forEachIndex(in: [2, 2, 3]) { chunk in
            var bytes: [UInt8] = []
            forEachIndex(in: [2, 3, 2]) { inner in
                let at = zip(zip(chunk, [2, 3, 2]), inner).map { $0.0 * $0.1 + $1 }
                let inside = zip(at, [3, 4, 5]).allSatisfy { $0 < $1 }
                bytes.append(inside ? UInt8(at[0] * 20 + at[1] * 5 + at[2]) : 99)
            }
            chunks[chunk.map(String.init).joined(separator: separator)] = bytes
        }
        let url = try array(zarray(shape: "[3, 4, 5]", chunks: "[2, 3, 2]", separator: separator), chunks: chunks)
        let array = try ZarrGroup(contentsOf: url).array("data/a")
        #expect(try array.integers() == (0..<60).map { Int64($0) })
        #expect(try array.integers(rows: 1..<3) == (20..<60).map { Int64($0) })
        #expect(array.rowWidth == 20)
    }

    @Test func visitsBandsOfRowsAsHighAsAChunk() throws {
        let values = (0..<14).map { Float($0) }
        try ZarrWriter.create(at: folder("a.zarr")) { writer in
            try writer.write("data/x", shape: [7, 2], floats: values, chunkRows: 3)
        }
        var bands: [Range<Int>] = []
        let array = try ZarrGroup(contentsOf: folder("a.zarr")).array("data/x")
        try array.forEachBand(in: 1..<7) { rows, bytes in
            bands.append(rows)
            #expect(bytes.count == rows.count * 8)
        }
        #expect(bands == [1..<3, 3..<6, 6..<7])
    }

    @Test func readsAScalarArray() throws {
        let url = try array(zarray(shape: "[]", chunks: "[]"), chunks: ["0": [7]])
        #expect(try ZarrGroup(contentsOf: url).array("data/a").integers() == [7])
    }

    @Test(arguments: [
        ("\"<f8\"", [0, 0, 0, 0, 0, 0, 0xF8, 0x3F], Float(1.5)), ("\"<f2\"", [0, 0x3E], 1.5),
        ("\"<i4\"", [0xFE, 0xFF, 0xFF, 0xFF], -2), ("\"<i2\"", [0xFE, 0xFF], -2), ("\"|i1\"", [0xFE], -2),
        ("\"<u2\"", [1, 1], 257), ("\"|b1\"", [1], 1), ("\"<u1\"", [200], 200), ("\"<u4\"", [0, 0, 1, 0], 65_536),
    ])
    func readsEveryType(dtype: String, bytes: [UInt8], value: Float) throws {
        let url = try array(zarray(shape: "[1]", chunks: "[1]", dtype: dtype), chunks: ["0": bytes])
        #expect(try ZarrGroup(contentsOf: url).array("data/a").floats() == [value])
    }

    @Test func absentChunksStandForTheFillValueUnlessRefused() throws {
        let url = try array(zarray(fill: "9"), chunks: ["0.0": [1, 2, 3, 4]])
        let group = try ZarrGroup(contentsOf: url)
        #expect(try group.array("data/a").integers() == [1, 2, 3, 4, 9, 9])
        #expect(try group.array("data/a").absentChunks() == (1, 2))
        let text = message { _ = try group.array("data/a", missingChunks: .refuse).integers() }
        #expect(text.hasPrefix("\(url.path)/data/a/1.0: expected a chunk of |u1 [2, 2], found no such file; "))
    }

    @Test func absentChunksWithoutAFillValueAreAnError() throws {
        let url = try array(zarray(fill: "null"), chunks: ["1.0": [1, 2, 3, 4]])
        let array = try ZarrGroup(contentsOf: url).array("data/a")
        #expect(
            message { _ = try array.integers() }.contains(
                "/data/a/0.0: expected a chunk of |u1 [2, 2], found no such file"))
    }

    @Test func truncatedChunksAreAnError() throws {
        let plain = try array(zarray(), chunks: ["0.0": [1, 2, 3], "1.0": [1, 2, 3, 4]])
        #expect(
            message { _ = try ZarrGroup(contentsOf: plain).array("data/a").integers() }
                == "\(plain.path)/data/a/0.0: expected 4 bytes, found 3; the chunk is cut short or compressed")

        let url = folder("b.zarr")
        try ZarrWriter.create(at: url) { try $0.write("data/a", shape: [100], floats: fill("x", count: 100)) }
        let chunk = url.appendingPathComponent("data/a/0")
        let bytes = try Data(contentsOf: chunk)
        let array = try ZarrGroup(contentsOf: url).array("data/a")
        for length in [0, 10, 16, bytes.count / 2, bytes.count - 1] {
            try bytes.prefix(length).write(to: chunk)
            let text = message { _ = try array.floats() }
            #expect(text.hasPrefix("\(chunk.path): expected a Blosc buffer of"))
            #expect(text.contains("cut short"))
        }
    }

    @Test func damagedChunksAreAnErrorAndNeverACrash() throws {
        let url = folder("b.zarr")
        try ZarrWriter.create(at: url) { try $0.write("data/a", shape: [100], floats: fill("x", count: 100)) }
        let chunk = url.appendingPathComponent("data/a/0")
        let bytes = try Data(contentsOf: chunk)
        let array = try ZarrGroup(contentsOf: url).array("data/a")
        for index in 0..<bytes.count {
            var damaged = bytes
            damaged[index] ^= 0xFF
            try damaged.write(to: chunk)
            // Blosc has no checksum, so damage may go undetected, but decoding must stay within the buffer.
            if let values = try? array.floats() { #expect(values.count == 100) }
        }
    }

    @Test func aChunkThatDecodesToAnotherSizeIsAnError() throws {
        let blosc = #"{"id": "blosc", "cname": "zstd", "clevel": 5, "shuffle": 2}"#
        let large = Blosc.compress([UInt8](repeating: 0, count: 1 << 20), elementSize: 4, settings: BloscSettings())
        let url = try array(
            zarray(shape: "[100000]", chunks: "[100000]", compressor: blosc), chunks: ["0": large])
        #expect(
            message { _ = try ZarrGroup(contentsOf: url).array("data/a").integers() }
                == "\(url.path)/data/a/0: expected a chunk of 100000 bytes when decoded, found 1048576")
    }

    @Test func aChunkOfAnotherCodecIsAnError() throws {
        let blosc = #"{"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1}"#
        let url = try array(
            zarray(shape: "[64]", chunks: "[64]", compressor: blosc), chunks: ["0": [UInt8](repeating: 0x78, count: 64)]
        )
        let text = message { _ = try ZarrGroup(contentsOf: url).array("data/a").integers() }
        #expect(text.hasPrefix("\(url.path)/data/a/0: expected a Blosc buffer of 64 bytes, found a header that says"))
    }

    @Test func refusesHostileMetadata() throws {
        let huge = "4611686018427387904"
        let cases: [(String, String)] = [
            (
                zarray(shape: "[\(huge), 4]"),
                "shape: expected dimensions whose product fits in memory, found [\(huge), 4]"
            ),
            (zarray(shape: "[0, \(huge)]"), "shape: expected dimensions whose product"),
            (zarray(shape: "[-3, 2]"), "shape: expected dimensions whose product fits in memory, found [-3, 2]"),
            (zarray(chunks: "[0, 2]"), "chunks: expected 2 numbers, each at least 1, found [0, 2]"),
            (zarray(chunks: "[2]"), "chunks: expected 2 numbers, each at least 1, found [2]"),
            (zarray(chunks: "[\(huge), 4]"), "chunks: expected chunks of at most 536870912 bytes"),
            (zarray(chunks: "[1000000000, 1]"), "chunks: expected chunks of at most 536870912 bytes"),
            (
                zarray(dtype: #"">f4""#),
                "dtype: expected a little-endian number such as <f4, <f8, <i8 or |u1, found >f4"
            ),
            (
                zarray(dtype: #""|S5""#),
                "dtype: expected a little-endian number such as <f4, <f8, <i8 or |u1, found |S5"
            ),
            (
                zarray(dtype: #"[["x", "<f4"]]"#),
                #"expected the JSON of a zarr v2 array, found "dtype" with a value of the wrong type"#
            ),
            (zarray(order: "F"), "order: expected C (row-major), found F"),
            (zarray(filters: #"[{"id": "delta"}]"#), "filters: expected none, found 1"),
            (zarray(format: 3), "zarr_format: expected 2, found 3"),
            (zarray(separator: "-"), "dimension_separator: expected . or /, found -"),
            (
                zarray(compressor: #"{"id": "gzip", "level": 1}"#),
                "compressor.id: expected blosc or no compressor, found gzip"
            ),
            (
                zarray(compressor: #"{"id": "blosc", "cname": "best"}"#),
                "compressor: expected a Blosc codec (blosclz, lz4,"
            ),
            (#"{"zarr_format": 2}"#, #"expected the JSON of a zarr v2 array, found no "shape""#),
            (#"{"zarr_format": 2,"#, "expected the JSON of a zarr v2 array, found invalid or unexpected JSON"),
        ]
        for (text, expected) in cases {
            let url = try array(text, chunks: ["0.0": [0, 0, 0, 0]])
            let found = message { _ = try ZarrGroup(contentsOf: url).array("data/a").integers() }
            #expect(found.hasPrefix("\(url.path)/data/a/.zarray"))
            #expect(found.contains(expected))
            try FileManager.default.removeItem(at: url)
        }
    }

    @Test func aHugeArrayWithoutItsChunksTakesNoMemory() throws {
        let url = try array(
            zarray(shape: "[1000000000]", chunks: "[1000]"), chunks: ["0": [UInt8](repeating: 0, count: 1000)])
        let group = try ZarrGroup(contentsOf: url)
        let text = message { _ = try group.array("data/a", missingChunks: .refuse).floats() }
        #expect(text.contains("data/a/999999: expected a chunk"))
        try FileManager.default.removeItem(at: url)
        let larger = try array(zarray(shape: "[2000, 2000000000]", chunks: "[1, 1000]", fill: "1"))
        #expect(
            message { _ = try ZarrGroup(contentsOf: larger).array("data/a", missingChunks: .fill).floats() }
                .contains("shape: expected at most 1073741824 numbers at once"))
    }

    /// A row in many chunks, of which only the first exist.
    @Test func aHugeRowWithoutItsChunksTakesNoMemory() throws {
        let chunks = ["0.0": [UInt8](repeating: 0, count: 4)]
        let url = try array(zarray(shape: "[1, 1000000000]", chunks: "[1, 4]"), chunks: chunks)
        #expect(
            message { _ = try ZarrGroup(contentsOf: url).array("data/a", missingChunks: .refuse).floats() }
                .contains("data/a/0.249999999: expected a chunk"))
        try FileManager.default.removeItem(at: url)
        let larger = try array(zarray(shape: "[1, 2000000000]", chunks: "[1, 4]"), chunks: chunks)
        let found = message {
            try ZarrGroup(contentsOf: larger).array("data/a").forEachBand(in: 0..<1) { _, _ in }
        }
        #expect(found.contains("shape: expected at most 1073741824 bytes in the rows of a chunk"))
    }

    /// Data of other programs are recognized, with a hint on converting them.
    @Test func foreignDataAreRecognized() throws {
        func found(_ name: String, _ files: [String: Data]) throws -> String {
            for (file, bytes) in files {
                let url = folder(file.isEmpty ? name : "\(name)/\(file)")
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try bytes.write(to: url)
            }
            return message { _ = try ZarrGroup(contentsOf: folder(name)) }
        }
        let group = Data(#"{"zarr_format": 2}"#.utf8)
        let robot = try found("robot", ["meta/info.json": Data("{}".utf8), "data/chunk-000/episode_0.parquet": Data()])
        #expect(robot.contains("found a LeRobot dataset; write its episodes as zarr v2"))
        let hdf5 = Data([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0])
        #expect(try found("a.hdf5", ["": hdf5]).contains("found an HDF5 file; write its episodes"))
        #expect(try found("b.zarr.zip", ["": hdf5]).contains("found an HDF5 file"))
        #expect(try found("files", ["demo.h5": hdf5]).contains("found a folder of HDF5 files"))
        #expect(
            try found("loose", ["data/.zgroup": group, "meta/.zgroup": group])
                .contains("found data and meta without .zgroup; make the folder a group"))
        #expect(
            try found("outer", ["inner.zarr/.zgroup": group]).contains("use \(folder("outer").path)/inner.zarr"))
        var zip = ZipFixture()
        zip.add("x.zarr/zarr.json", Data("{}".utf8))
        zip.add("x.zarr/data/zarr.json", Data("{}".utf8))
        #expect(
            try found("v3.zarr.zip", ["": zip.data]).contains("found a group of zarr v3; save it with zarr_format=2"))
        #expect(ForeignData(at: folder("nothing")) == nil)
    }

    @Test func reportsFilesThatAreNotZarr() throws {
        #expect(message { _ = try ZarrGroup(contentsOf: folder("no")) }.contains("found no such file"))
        #expect(message { _ = try ZarrGroup(contentsOf: folder.url) }.contains("expected a zarr v2 group (.zgroup)"))
        try Data("{}".utf8).write(to: folder("zarr.json"))
        #expect(
            message { _ = try ZarrGroup(contentsOf: folder.url) }.contains("found a group of zarr v3; save it with"))
        try Data("text".utf8).write(to: folder("file"))
        #expect(message { _ = try ZarrGroup(contentsOf: folder("file")) }.contains("expected a zip archive"))
        try ZarrWriter.create(at: folder("a.zarr")) { _ in }
        #expect(
            message { _ = try ZarrGroup(contentsOf: folder("a.zarr")).array("data/x") }
                == "\(folder("a.zarr").path)/data/x/.zarray: expected a zarr v2 array, found no such file")
    }
}
