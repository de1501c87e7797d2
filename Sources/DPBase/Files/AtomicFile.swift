package import Foundation

/// Writes files atomically: no reader sees a partial file, even after a full disk or a power failure.
///
/// The bytes go to a temporary file in the same folder, are flushed to the disk and get their final name by one
/// `rename`, after which the folder is flushed too. If anything fails, the previous file is untouched and the
/// temporary file is removed. A link is kept, and its target is replaced.
package enum AtomicFile {
    /// Replaces the file at `url` with the given bytes.
    /// - Throws: `FileSystemError`, or `InputError` if `url` is a device or pipe.
    package static func write(_ data: Data, to url: URL) throws {
        try write(to: url) { sink in
            try data.withUnsafeBytes { try sink.write($0) }
        }
    }

    /// Replaces the file at `url` with the bytes that `body` writes, piece by piece.
    /// - Throws: `FileSystemError`, `InputError` if `url` is a device or pipe, or any error of `body`.
    package static func write(to url: URL, _ body: (FileSink) throws -> Void) throws {
        let url = try replaceable(url)
        let temporary = temporary(for: url)
        let unchanged = unchanged(url)
        let sink = try FileSink(
            path: temporary.path, flags: O_WRONLY | O_CREAT | O_EXCL, name: url.path, hint: unchanged)
        do {
            try body(sink)
            try sink.flush()
            sink.close()
            try install(temporary, as: url)
        } catch {
            sink.close()
            unlink(temporary.path)
            throw error
        }
    }

    /// Gives a complete file, which is on the disk, its final name.
    /// - Throws: `FileSystemError`.
    private static func install(_ temporary: URL, as url: URL) throws {
        guard rename(temporary.path, url.path) == 0 else {
            throw FileSystemError.last("write", url.path, hint: unchanged(url))
        }
        try flush(folder: url.deletingLastPathComponent())
    }

    /// Flushes a complete file that another program wrote under a temporary name, and gives it its final name.
    /// - Throws: `FileSystemError`.
    package static func flush(_ temporary: URL, andInstallAs url: URL) throws {
        let descriptor = open(temporary.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystemError.last("write", url.path, hint: unchanged(url)) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileSystemError.last("flush", url.path, hint: unchanged(url)) }
        try install(temporary, as: url)
    }

    /// Returns a new temporary path in the folder of a file, so that renaming it is atomic.
    package static func temporary(for url: URL) -> URL {
        url.deletingLastPathComponent().appendingPathComponent(temporaryPrefix(of: url) + UUID().uuidString)
    }

    private static func unchanged(_ url: URL) -> String { "\(url.path) is unchanged" }

    /// Removes temporary files that a killed process left behind while writing the file at `url`.
    ///
    /// Call it only when no other process can be writing that file.
    package static func removeLeftovers(of url: URL) {
        let folder = url.deletingLastPathComponent()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names where name.hasPrefix(temporaryPrefix(of: url)) {
            unlink(folder.appendingPathComponent(name).path)
        }
    }

    /// Flushes a folder, so that the names in it survive a power failure.
    /// - Throws: `FileSystemError`.
    package static func flush(folder: URL) throws {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystemError.last("open", folder.path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileSystemError.last("flush", folder.path) }
    }

    /// Resolves all links of a path, and checks that it is a regular file or does not exist.
    ///
    /// A `rename` would replace a link or a device such as `/dev/null` with a file.
    /// - Throws: `FileSystemError` for a folder, `InputError` for a device or pipe.
    package static func replaceable(_ url: URL) throws -> URL {
        var status = stat()
        guard stat(url.path, &status) == 0 else { return url }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return url.resolvingSymlinksInPath()
        case S_IFDIR: throw FileSystemError(operation: "write", path: url.path, code: EISDIR)
        default: throw InputError(at: url.path, expected: "a file or a new name", found: "a device or pipe")
        }
    }

    private static func temporaryPrefix(of url: URL) -> String { ".\(url.lastPathComponent.prefix(100)).writing-" }
}
