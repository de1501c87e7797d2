import Foundation
import Synchronization
import TestSupport
import Testing

@testable import DPDatasets

@Suite(.serialized) struct FileDownloadTests {
    let folder: TemporaryFolder
    private let file = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) })

    init() throws { folder = try TemporaryFolder() }

    private func download(_ server: LocalServer, attempts: Int = 1) throws {
        var download = FileDownload(from: server.url, to: folder("data.zip"))
        download.attempts = attempts
        try download.run { _, _ in }
    }

    private func expectWhole() throws {
        #expect(try Data(contentsOf: folder("data.zip")) == file)
        #expect(folder.names == ["data.zip"])
    }

    @Test func downloadsAFileAndReportsProgress() throws {
        let server = try LocalServer(.init(file: file))
        defer { server.stop() }
        let news = Mutex<[(Int, Int?)]>([])
        try FileDownload(from: server.url, to: folder("data.zip")).run { received, total in
            news.withLock { $0.append((received, total)) }
        }
        try expectWhole()
        #expect(server.ranges == [""])
        let told = news.withLock { $0 }
        #expect(told.last?.0 == file.count)
        #expect(told.allSatisfy { $0.1 == file.count })
        #expect(told.map(\.0) == told.map(\.0).sorted())
    }

    @Test func resumesAfterABrokenConnection() throws {
        let server = try LocalServer(.init(file: file, breaksAfter: [100_000, 50_000]))
        defer { server.stop() }
        try download(server, attempts: 3)
        try expectWhole()
        #expect(server.ranges == ["", "bytes=100000-", "bytes=150000-"])
    }

    @Test func truncationIsAnErrorAndTheNextRunContinues() throws {
        let server = try LocalServer(.init(file: file, breaksAfter: [100_000]))
        defer { server.stop() }
        let text = message { try download(server) }
        #expect(text.hasPrefix("\(server.url): expected 300000 bytes, found 100000 ("))
        #expect(text.hasSuffix("run it again to continue"))
        #expect(folder.names == ["data.zip.part", "data.zip.part.json"])
        try download(server)
        try expectWhole()
        #expect(server.ranges == ["", "bytes=100000-"])
    }

    @Test func restartsWithoutRangeSupport() throws {
        let server = try LocalServer(.init(file: file, servesRanges: false, breaksAfter: [100_000]))
        defer { server.stop() }
        #expect(message { try download(server) }.contains("found 100000"))
        try download(server)
        try expectWhole()
        #expect(server.ranges == ["", "bytes=100000-"])
    }

    @Test func restartsWhenTheFileChanged() throws {
        let server = try LocalServer(.init(file: Data(count: 200_000), breaksAfter: [100_000]))
        defer { server.stop() }
        #expect(message { try download(server) }.contains("expected 200000 bytes"))
        server.change { $0 = .init(file: file, tag: "\"second\"") }
        try download(server)
        try expectWhole()
    }

    @Test func restartsForAnotherAddress() throws {
        let first = try LocalServer(.init(file: Data(count: 200_000), breaksAfter: [100_000]))
        let second = try LocalServer(.init(file: file))
        defer {
            first.stop()
            second.stop()
        }
        #expect(message { try download(first) }.contains("found 100000"))
        try download(second)
        try expectWhole()
        #expect(second.ranges == [""])
    }

    @Test func restartsWithoutAnEntityTag() throws {
        let server = try LocalServer(.init(file: file, tag: nil, breaksAfter: [100_000]))
        defer { server.stop() }
        try download(server, attempts: 2)
        try expectWhole()
        #expect(server.ranges == ["", ""])
    }

    @Test func refusesAnUnrequestedRange() throws {
        let server = try LocalServer(.init(file: file, breaksAfter: [100_000], rangeError: 10))
        defer { server.stop() }
        #expect(message { try download(server, attempts: 2) }.contains("the server resumed at another position"))
        try download(server)
        try expectWhole()
    }

    @Test func restartsWhenThePartIsLongerThanTheFile() throws {
        let server = try LocalServer(.init(file: file, breaksAfter: [100_000]))
        defer { server.stop() }
        #expect(message { try download(server) }.contains("found 100000"))
        try Data(count: 400_000).write(to: folder("data.zip.part"))
        try download(server, attempts: 2)
        try expectWhole()
        #expect(server.ranges == ["", "bytes=400000-", ""])
    }

    @Test func aCompletePartNeedsNoServer() throws {
        let server = try LocalServer(.init(file: file, breaksAfter: [299_999]))
        #expect(message { try download(server) }.contains("found 299999"))
        server.stop()
        let part = try FileHandle(forWritingTo: folder("data.zip.part"))
        try part.seekToEnd()
        try part.write(contentsOf: file.suffix(1))
        try part.close()
        try download(server)
        try expectWhole()
    }

    @Test(arguments: [404, 403, 500])
    func aServerThatRefusesIsAnError(status: Int) throws {
        let server = try LocalServer(.init(file: file, status: status))
        defer { server.stop() }
        #expect(
            message { try download(server, attempts: 3) }
                == "\(server.url): expected the file, found HTTP status \(status); check the address")
        #expect(folder.names == [])
        #expect(server.ranges.count == 1)
    }

    @Test func reportsUnreachableServer() throws {
        let server = try LocalServer(.init(file: file))
        server.stop()
        #expect(message { try download(server) }.hasPrefix("\(server.url): expected a response, found none ("))
    }

    @Test(arguments: [true, false])
    func tooLargeAFileIsAnError(tellsLength: Bool) throws {
        let server = try LocalServer(.init(file: file, tellsLength: tellsLength))
        defer { server.stop() }
        var download = FileDownload(from: server.url, to: folder("data.zip"))
        download.maximumByteCount = 1000
        #expect(message { try download.run { _, _ in } }.contains("expected at most 1000 bytes, found "))
        #expect(!folder.names.contains("data.zip"))
    }

    @Test func downloadsWithoutAContentLength() throws {
        let server = try LocalServer(.init(file: file, tellsLength: false))
        defer { server.stop() }
        try download(server)
        try expectWhole()
    }
}
