public import Foundation

/// Writes files so that a reader, a full disk or a power cut never sees half of one.
///
/// The bytes go to a temporary name in the same folder, are flushed to the disk and take their name by one `rename`,
/// after which the folder is flushed too. When anything fails, the file that was there before is untouched and the
/// temporary one is removed. A link stays, and what it leads to is replaced.
public enum AtomicFile {
    /// Replaces the file at `url` by the given bytes.
    /// - Throws: `FileSystemError`, or `TensorFileError` when a device or pipe is there.
    public static func write(_ data: Data, to url: URL) throws {
        try write(to: url) { sink in
            try data.withUnsafeBytes { try sink.write($0) }
        }
    }

    /// Replaces the file at `url` by what `body` writes, piece by piece.
    /// - Throws: `FileSystemError`, `TensorFileError` when a device or pipe is there, or what `body` throws.
    public static func write(to url: URL, _ body: (FileSink) throws -> Void) throws {
        let url = try replaceable(url)
        let folder = url.deletingLastPathComponent()
        let temporary = folder.appendingPathComponent(temporaryPrefix(of: url) + UUID().uuidString)
        let unchanged = "\(url.path) is as it was before"
        let sink = try FileSink(
            path: temporary.path, flags: O_WRONLY | O_CREAT | O_EXCL, name: url.path, hint: unchanged)
        do {
            try body(sink)
            try sink.flush()
            sink.close()
            guard rename(temporary.path, url.path) == 0 else {
                throw FileSystemError.last("write", url.path, hint: unchanged)
            }
        } catch {
            sink.close()
            unlink(temporary.path)
            throw error
        }
        try flush(folder: folder)
    }

    /// Removes temporary files that a killed process left while it wrote the file at `url`.
    ///
    /// Call it only when no one else can be writing that file.
    public static func removeLeftovers(of url: URL) {
        let folder = url.deletingLastPathComponent()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names where name.hasPrefix(temporaryPrefix(of: url)) {
            unlink(folder.appendingPathComponent(name).path)
        }
    }

    /// Flushes a folder, so that the names in it survive a power cut.
    /// - Throws: `FileSystemError`.
    public static func flush(folder: URL) throws {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystemError.last("open", folder.path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileSystemError.last("flush", folder.path) }
    }

    /// The file that a path stands for, behind all links, if there is nothing but a file in the way.
    ///
    /// A `rename` would put a file into the place of a link or a device such as `/dev/null`.
    private static func replaceable(_ url: URL) throws -> URL {
        var status = stat()
        guard stat(url.path, &status) == 0 else { return url }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return url.resolvingSymlinksInPath()
        case S_IFDIR: throw FileSystemError(operation: "write", path: url.path, code: EISDIR)
        default: throw TensorFileError(file: url.path, expected: "a file or a new name", found: "a device or pipe")
        }
    }

    private static func temporaryPrefix(of url: URL) -> String { ".\(url.lastPathComponent.prefix(100)).writing-" }
}
