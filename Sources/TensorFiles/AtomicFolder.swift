import CFileExchange
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
        try fill(url, operation: "create", otherwise: "nothing was left there", body) { temporary in
            guard rename(temporary.path, url.path) == 0 else { throw FileSystemError.last("create", url.path) }
        }
    }

    /// Puts a folder with what `body` writes into the place of the one at `url`, or makes it where there is none.
    ///
    /// At every moment the old or the new folder is there, complete: the two exchange their names in one step (`RENAME_EXCHANGE` of
    /// `renameat2(2)`), then the old one is removed. A link stays, and what it leads to is replaced.
    /// - Throws: `FileSystemError`, or what `body` throws; the old folder is then as it was.
    public static func replace(at url: URL, _ body: (_ temporary: URL) throws -> Void) throws {
        let url = url.resolvingSymlinksInPath()
        guard FileManager.default.fileExists(atPath: url.path) else { return try create(at: url, body) }
        let unchanged = "\(url.path) is as it was before"
        try fill(url, operation: "replace", otherwise: unchanged, body) { temporary in
            guard fx_exchange(temporary.path, url.path) == 0 else {
                throw FileSystemError.last("replace", url.path, hint: unchanged)
            }
        }
    }

    /// Removes temporary folders that a killed process left while it made or replaced the folder at `url`.
    ///
    /// Call it only when no one else can be writing that folder.
    public static func removeLeftovers(of url: URL) {
        let url = url.resolvingSymlinksInPath()
        let parent = url.deletingLastPathComponent()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
        for name in names where name.hasPrefix(temporaryPrefix(of: url)) {
            try? FileManager.default.removeItem(at: parent.appendingPathComponent(name))
        }
    }

    /// Fills a temporary folder beside `url`, lets `take` give it its name, and removes what is then under the temporary one.
    private static func fill(
        _ url: URL, operation: String, otherwise hint: String, _ body: (URL) throws -> Void, take: (URL) throws -> Void
    ) throws {
        let parent = url.deletingLastPathComponent()
        let temporary = parent.appendingPathComponent(temporaryPrefix(of: url) + UUID().uuidString)
        guard mkdir(temporary.path, 0o755) == 0 else { throw FileSystemError.last(operation, url.path) }
        defer { try? FileManager.default.removeItem(at: temporary) }
        do { try body(temporary) } catch let error as FileSystemError {
            throw FileSystemError(operation: error.operation, path: url.path, code: error.code, hint: hint)
        }
        try take(temporary)
        try AtomicFile.flush(folder: parent)
    }

    private static func temporaryPrefix(of url: URL) -> String { ".\(url.lastPathComponent).writing-" }
}
