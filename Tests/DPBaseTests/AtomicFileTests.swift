import Foundation
import TestSupport
import Testing

@testable import DPBase

@Suite struct AtomicFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private struct Interruption: Error {}

    @Test func replacesAFile() throws {
        try AtomicFile.write(Data("old".utf8), to: folder("file"))
        try AtomicFile.write(Data("new".utf8), to: folder("file"))
        #expect(try Data(contentsOf: folder("file")) == Data("new".utf8))
        #expect(folder.names == ["file"])
    }

    @Test func keepsTheOldFileWhenWritingFails() throws {
        try AtomicFile.write(Data("old".utf8), to: folder("file"))
        #expect(throws: Interruption.self) {
            try AtomicFile.write(to: folder("file")) { sink in
                try Data("half of the n".utf8).withUnsafeBytes { try sink.write($0) }
                throw Interruption()
            }
        }
        #expect(try Data(contentsOf: folder("file")) == Data("old".utf8))
        #expect(folder.names == ["file"])
    }

    @Test func saysThatTheDiskIsFull() throws {
        let sink = try FileSink(path: "/dev/full", flags: O_WRONLY)
        let text = message { try Data("x".utf8).withUnsafeBytes { try sink.write($0) } }
        #expect(text == "cannot write /dev/full: No space left on device")
    }

    @Test func saysWhyAPlaceCannotBeWritten() throws {
        let text = message { try AtomicFile.write(Data(), to: folder("absent/file")) }
        #expect(text.hasPrefix("cannot write \(folder("absent/file").path): No such file or directory; "))
        #expect(text.hasSuffix("is unchanged"))
        try FileManager.default.createDirectory(at: folder("taken"), withIntermediateDirectories: false)
        #expect(message { try AtomicFile.write(Data(), to: folder("taken")) }.contains("Is a directory"))
        #expect(folder.names == ["taken"])
    }

    @Test func replacesWhatALinkLeadsTo() throws {
        try AtomicFile.write(Data("old".utf8), to: folder("file"))
        try FileManager.default.createSymbolicLink(at: folder("link"), withDestinationURL: folder("file"))
        try AtomicFile.write(Data("new".utf8), to: folder("link"))
        #expect(try Data(contentsOf: folder("file")) == Data("new".utf8))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder("link").path) == folder("file").path)
    }

    @Test func leavesDevicesAndPipesInTheirPlace() throws {
        #expect(mkfifo(folder("pipe").path, 0o600) == 0)
        #expect(message { try AtomicFile.write(Data(), to: folder("pipe")) }.contains("found a device or pipe"))
        #expect(folder.names == ["pipe"])
        var status = stat()
        #expect(stat(folder("pipe").path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    }

    @Test func removesWhatAKilledWriterLeft() throws {
        try AtomicFile.write(Data("old".utf8), to: folder("file"))
        try Data("half".utf8).write(to: folder(".file.writing-1234"))
        try Data("half".utf8).write(to: folder(".other.writing-1234"))
        AtomicFile.removeLeftovers(of: folder("file"))
        #expect(folder.names == [".other.writing-1234", "file"])
    }

    private func makeFolder(_ name: String, holding text: String) throws {
        try FileManager.default.createDirectory(at: folder(name), withIntermediateDirectories: false)
        try Data(text.utf8).write(to: folder(name).appendingPathComponent("part"))
    }

    private func text(in name: String) throws -> String {
        try String(contentsOf: folder(name).appendingPathComponent("part"), encoding: .utf8)
    }

    @Test func aFolderIsReplacedWhereNamesCannotBeExchanged() throws {
        try makeFolder("data", holding: "old")
        try makeFolder("new", holding: "new")
        // Left by an earlier replacement.
        try makeFolder(".data.previous", holding: "older")
        try AtomicFolder.replaceInTwoSteps(folder("data"), by: folder("new"), otherwise: "")
        #expect(try text(in: "data") == "new")
        #expect(folder.names == ["data"])

        #expect(throws: FileSystemError.self) {
            try AtomicFolder.replaceInTwoSteps(folder("data"), by: folder("absent"), otherwise: "")
        }
        #expect(try text(in: "data") == "new")
        #expect(folder.names == ["data"])
    }

    @Test func aFolderThatLostItsNameGetsItBack() throws {
        try makeFolder(".data.previous", holding: "old")
        try makeFolder(".data.writing-1234", holding: "new")
        AtomicFolder.removeLeftovers(of: folder("data"))
        #expect(folder.names == ["data"])
        #expect(try text(in: "data") == "old")
        // If the folder exists, the previous one is removed.
        try makeFolder(".data.previous", holding: "older")
        AtomicFolder.removeLeftovers(of: folder("data"))
        #expect(folder.names == ["data"])
        #expect(try text(in: "data") == "old")
    }

    @Test func aFolderAppearsCompleteOrNotAtAll() throws {
        #expect(throws: Interruption.self) {
            try AtomicFolder.create(at: folder("data")) { temporary in
                try Data("half".utf8).write(to: temporary.appendingPathComponent("part"))
                throw Interruption()
            }
        }
        #expect(folder.names == [])
        try AtomicFolder.create(at: folder("data")) { _ in }
        #expect(folder.names == ["data"])
        #expect(message { try AtomicFolder.create(at: folder("data")) { _ in } }.contains("expected nothing there yet"))
    }
}
