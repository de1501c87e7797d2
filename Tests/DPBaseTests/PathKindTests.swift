import DPBase
import Foundation
import TestSupport
import Testing

/// Existing paths, missing paths, and paths that cannot be reached.
@Suite struct PathKindTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func code(_ path: String) throws -> Int32 {
        try #require(throws: FileSystemError.self) { _ = try PathKind(at: path) }.code
    }

    @Test func kinds() throws {
        try Data("a".utf8).write(to: folder("file"))
        #expect(mkfifo(folder("pipe").path, 0o600) == 0)
        try FileManager.default.createSymbolicLink(at: folder("link"), withDestinationURL: folder("file"))
        #expect(try PathKind(at: folder.url.path) == .folder)
        #expect(try PathKind(at: folder("file").path) == .file)
        #expect(try PathKind(at: folder("link").path) == .file)
        #expect(try PathKind(at: folder("pipe").path) == .other)
        #expect(try PathKind(at: folder("none").path) == nil)
        #expect(try PathKind(at: folder("none").path + "/file") == nil)
        #expect(try PathKind(at: folder("file").path + "/file") == nil)
    }

    @Test func whatCannotBeReachedIsNotAbsent() throws {
        let (circle, dead) = (folder("circle"), folder("dead"))
        try FileManager.default.createSymbolicLink(at: circle, withDestinationURL: circle)
        try FileManager.default.createSymbolicLink(at: dead, withDestinationURL: folder("none"))
        #expect(try code(circle.path) == ELOOP)
        #expect(try code(circle.path + "/file") == ELOOP)
        #expect(try code(dead.path) == ENOENT)
        #expect(try code(dead.path + "/file") == ENOENT)
        #expect(try code(folder(String(repeating: "a", count: 5000)).path) == ENAMETOOLONG)
    }

    @Test(.disabled(if: geteuid() == 0, "root may search every folder")) func aLockedFolderHidesNothing() throws {
        let locked = folder("locked")
        try FileManager.default.createDirectory(at: locked, withIntermediateDirectories: true)
        #expect(chmod(locked.path, 0) == 0)
        defer { chmod(locked.path, 0o700) }
        #expect(try code(locked.path + "/file") == EACCES)
    }
}
