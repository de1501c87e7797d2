import Foundation
import TestSupport
import Testing

@testable import DPBase
@testable import DPDatasets

@Suite struct ZipTests {
    let folder: TemporaryFolder
    private let values = fill("x", count: 100)

    init() throws { folder = try TemporaryFolder() }

    private func archive(_ entries: [(String, String)]) throws -> URL {
        var zip = ZipFixture()
        for (name, text) in entries { zip.add(name, Data(text.utf8)) }
        try zip.data.write(to: folder("a.zip"))
        return folder("a.zip")
    }

    @Test(arguments: ["", "inner.zarr/", "outer/inner.zarr/"], [ZipFixture.Method.stored, .deflated])
    func aHierarchyInAnArchiveIsRead(prefix: String, method: ZipFixture.Method) throws {
        try ZarrWriter.create(at: folder("a.zarr")) {
            try $0.write("data/x", shape: [50, 2], floats: values, chunkRows: 9)
        }
        var zip = ZipFixture()
        try zip.add(contentsOf: folder("a.zarr"), prefix: prefix, method: method)
        try zip.data.write(to: folder("a.zarr.zip"))
        let group = try ZarrGroup(contentsOf: folder("a.zarr.zip"))
        #expect(try group.arrayNames(in: "data") == ["x"])
        #expect(try group.array("data/x").floats() == values)

        try group.copy(to: folder("copy.zarr"))
        #expect(try ZarrGroup(contentsOf: folder("copy.zarr")).array("data/x").floats() == values)
        #expect(folder.names == ["a.zarr", "a.zarr.zip", "copy.zarr"])
    }

    @Test func detectsDamage() throws {
        var zip = ZipFixture()
        zip.add(".zgroup", Data(#"{"zarr_format": 2}"#.utf8), method: .deflated)
        zip.add("text", Data("what was written".utf8))
        var bytes = zip.data
        let place = try #require(bytes.range(of: Data("what was written".utf8)))
        bytes[place.lowerBound] ^= 1
        try bytes.write(to: folder("a.zip"))
        let archive = try ZipArchive(contentsOf: folder("a.zip"))
        #expect(
            message { _ = try archive.bytes("text", limit: 100) }.hasPrefix(
                "\(folder("a.zip").path)/text: expected 16 bytes"))
        #expect(message { _ = try archive.bytes("text", limit: 15) }.contains("expected at most 15 bytes, found 16"))
        #expect(try archive.bytes("absent", limit: 15) == nil)

        try bytes.prefix(bytes.count / 2).write(to: folder("b.zip"))
        #expect(message { _ = try ZipArchive(contentsOf: folder("b.zip")) }.contains("b.zip: expected a zip archive"))
    }

    @Test(arguments: ["../escaped", "data/../../escaped", "./x"])
    func namesThatLeadOutAreRefused(name: String) throws {
        let group = try ZarrGroup(contentsOf: archive([(".zgroup", "{}"), (name, "x")]))
        let text = message { try group.copy(to: folder("copy")) }
        #expect(text.contains("expected names inside the archive, found one outside it"))
        #expect(folder.names == ["a.zip"])
    }

    @Test func refusesArchivesWithTooManyEntries() throws {
        let deep = String(repeating: "a/", count: 40) + "x"
        let group = try ZarrGroup(contentsOf: archive([(".zgroup", "{}"), (deep, "x")]))
        #expect(message { try group.copy(to: folder("copy")) }.contains("at most 16 nested folders"))
        let other = try ZarrGroup(contentsOf: archive([(".zgroup", "{}"), ("big", "four")]))
        #expect(
            message { try other.copy(to: folder("copy"), maximumByteCount: 5) }.contains(
                "big: expected at most 3 bytes, found 4"))
        #expect(folder.names == ["a.zip"])
    }

    @Test func anArchiveWithoutZarrIsRefused() throws {
        let url = try archive([("readme", "x")])
        #expect(
            message { _ = try ZarrGroup(contentsOf: url) }.contains(
                "a zarr v2 group (.zgroup) in the archive, found none"))
    }

    @Test func anArchiveOfTwoHierarchiesIsRefused() throws {
        let url = try archive([("a.zarr/.zgroup", "{}"), ("a.zarr/data/.zgroup", "{}"), ("b.zarr/.zgroup", "{}")])
        #expect(
            message { _ = try ZarrGroup(contentsOf: url) }
                .contains("expected one zarr hierarchy in the archive, found a.zarr/.zgroup and b.zarr/.zgroup"))
    }

    @Test func aDamagedArchiveIsNeverACrash() throws {
        var zip = ZipFixture()
        zip.add(".zgroup", Data(#"{"zarr_format": 2}"#.utf8), method: .deflated)
        zip.add("data/x/.zarray", Data("{}".utf8))
        let bytes = zip.data
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0xFF
            try damaged.write(to: folder("a.zip"))
            if let group = try? ZarrGroup(contentsOf: folder("a.zip")) { _ = try? group.array("data/x") }
        }
    }
}
