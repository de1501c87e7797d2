import DPBase
import Foundation
import TestSupport
import Testing

@testable import DPDatasets

@Suite(.serialized) struct DatasetFetcherTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Returns a server and a published dataset of two arrays on it.
    private func publish(breaksAfter: [Int] = [], sha256: String? = nil) throws -> (LocalServer, PublishedDataset) {
        let values: [Float] = [1, 2, 3, 4]
        try ZarrWriter.create(at: folder("small.zarr")) { writer in
            try writer.write("data/action", shape: [2, 2], floats: values, chunkRows: 1)
            try writer.write("meta/episode_ends", shape: [1], integers: [2])
        }
        var zip = ZipFixture()
        try zip.add(contentsOf: folder("small.zarr"), prefix: "small/small.zarr/", method: .deflated)
        let digest = SHA256()
        values.withUnsafeBytes { digest.update($0) }
        let server = try LocalServer(.init(file: zip.data, breaksAfter: breaksAfter))
        let checksums = [
            PublishedDataset.Checksum(
                "data/action", shape: [2, 2], elementType: .float32, sha256: sha256 ?? digest.finish())
        ]
        return (
            server, PublishedDataset(name: "small", url: server.url, folderName: "small.zarr", checksums: checksums)
        )
    }

    @Test func digestsMatchTheStandard() {
        let digest = SHA256()
        Array("a".utf8).withUnsafeBytes { digest.update($0) }
        Array("bc".utf8).withUnsafeBytes { digest.update($0) }
        #expect(digest.finish() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func downloadsChecksAndUnpacks() throws {
        let (server, dataset) = try publish(breaksAfter: [700])
        defer { server.stop() }
        let url = try DatasetFetcher(dataset).fetch(to: folder("there"))
        #expect(url.path == folder("there/small.zarr").path)
        let buffer = try InMemoryDataset(contentsOf: url)
        #expect(buffer.features["action"]?.values == [1, 2, 3, 4])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder("there").path) == ["small.zarr"])
        #expect(server.ranges == ["", "bytes=700-"])

        #expect(try DatasetFetcher(dataset).fetch(to: folder("there")).path == url.path)
        #expect(server.ranges.count == 2, "what is there already is not fetched again")
    }

    /// A local archive needs no server and is kept.
    @Test func unpacksALocalArchive() throws {
        var (server, dataset) = try publish()
        server.stop()
        var zip = ZipFixture()
        try zip.add(contentsOf: folder("small.zarr"), prefix: "")
        try zip.data.write(to: folder("mine.zip"))
        dataset.url = folder("mine.zip")
        let url = try DatasetFetcher(dataset).fetch(to: folder("there"))
        #expect(try InMemoryDataset(contentsOf: url).frameCount == 2)
        #expect(FileManager.default.fileExists(atPath: folder("mine.zip").path))
    }

    @Test func unpacksAnArchiveThatIsAlreadyDownloaded() throws {
        let (server, dataset) = try publish()
        server.stop()
        var zip = ZipFixture()
        try zip.add(contentsOf: folder("small.zarr"), prefix: "")
        try zip.data.write(to: folder("small.zip"))
        try FileManager.default.removeItem(at: folder("small.zarr"))
        let url = try DatasetFetcher(dataset).fetch(to: folder.url)
        #expect(try InMemoryDataset(contentsOf: url).frameCount == 2)
        #expect(folder.names == ["small.zarr"])
    }

    @Test func numbersThatDifferAreRefused() throws {
        let expected = String(repeating: "0", count: 64)
        let (server, dataset) = try publish(sha256: expected)
        defer { server.stop() }
        let text = message { _ = try DatasetFetcher(dataset).fetch(to: folder("there")) }
        #expect(text.contains("small.zarr, data/action: expected numbers with SHA-256 \(expected), found "))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder("there").path) == [])
    }

    @Test func arraysOfAnotherShapeAreRefused() throws {
        var (server, dataset) = try publish()
        defer { server.stop() }
        dataset.checksums[0].shape = [4]
        let text = message { try dataset.verify(folder("small.zarr")) }
        #expect(text == "\(folder("small.zarr").path), data/action: expected F32 [4], found F32 [2, 2]")
    }

    @Test(.enabled(if: HumanDemonstrations.folder != nil, Comment(rawValue: HumanDemonstrations.hint)))
    func thePublishedDemonstrationsOfPushTAreWhatTheyWere() throws {
        try PublishedDataset.pushT.verify(try #require(HumanDemonstrations.folder))
    }
}
