public import Foundation

/// Creates folders that appear complete or not at all.
public enum AtomicFolder {
    /// Creates the folder at `url` with what `body` puts into a temporary one beside it.
    ///
    /// The temporary folder is removed when anything fails.
    /// - Throws: `TensorFileError` when there is something at `url` already, `FileSystemError`, or what `body` throws.
    public static func create(at url: URL, _ body: (_ temporary: URL) throws -> Void) throws {
        guard !FileManager.default.fileExists(atPath: url.path) else {
            throw TensorFileError(
                file: url.path, expected: "nothing there yet", found: "a file or folder",
                hint: "remove it or choose another name")
        }
        let parent = url.deletingLastPathComponent()
        let temporary = parent.appendingPathComponent(".\(url.lastPathComponent).writing-\(UUID().uuidString)")
        guard mkdir(temporary.path, 0o755) == 0 else { throw FileSystemError.last("create", url.path) }
        defer { try? FileManager.default.removeItem(at: temporary) }
        do { try body(temporary) } catch let error as FileSystemError {
            throw FileSystemError(
                operation: error.operation, path: url.path, code: error.code, hint: "nothing was left there")
        }
        guard rename(temporary.path, url.path) == 0 else { throw FileSystemError.last("create", url.path) }
        try AtomicFile.flush(folder: parent)
    }
}
