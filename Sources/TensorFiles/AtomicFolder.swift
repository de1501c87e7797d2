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
    /// `renameat2(2)`), then the old one is removed. A link stays, and what it leads to is replaced. Some file systems, such as those of a network,
    /// cannot exchange names; there it takes two steps, and what a kill between them leaves, `removeLeftovers(of:)` puts right.
    /// - Throws: `FileSystemError`, or what `body` throws; the old folder is then as it was.
    public static func replace(at url: URL, _ body: (_ temporary: URL) throws -> Void) throws {
        let url = url.resolvingSymlinksInPath()
        guard FileManager.default.fileExists(atPath: url.path) else { return try create(at: url, body) }
        let unchanged = "\(url.path) is as it was before"
        try fill(url, operation: "replace", otherwise: unchanged, body) { temporary in
            if fx_exchange(temporary.path, url.path) == 0 { return }
            let code = errno
            guard [EINVAL, ENOSYS, ENOTSUP].contains(code) else {
                throw FileSystemError(operation: "replace", path: url.path, code: code, hint: unchanged)
            }
            try replaceInTwoSteps(url, by: temporary, otherwise: unchanged)
        }
    }

    /// Puts a folder into the place of another one, which meanwhile has another name.
    static func replaceInTwoSteps(_ url: URL, by new: URL, otherwise hint: String) throws {
        let previous = previous(of: url)
        // There is a folder at `url`, so what is left there is older.
        try? FileManager.default.removeItem(at: previous)
        guard rename(url.path, previous.path) == 0 else {
            throw FileSystemError.last("replace", url.path, hint: hint)
        }
        guard rename(new.path, url.path) == 0 else {
            let error = FileSystemError.last("replace", url.path, hint: hint)
            rename(previous.path, url.path)
            throw error
        }
        try AtomicFile.flush(folder: url.deletingLastPathComponent())
        try? FileManager.default.removeItem(at: previous)
    }

    /// Removes temporary folders that a killed process left while it made or replaced the folder at `url`, and gives the old one its name back if
    /// the process had not put the new one into its place.
    ///
    /// Call it only when no one else can be writing that folder.
    public static func removeLeftovers(of url: URL) {
        let url = url.resolvingSymlinksInPath()
        let parent = url.deletingLastPathComponent()
        let previous = previous(of: url)
        if FileManager.default.fileExists(atPath: url.path) {
            try? FileManager.default.removeItem(at: previous)
        } else {
            rename(previous.path, url.path)
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
        for name in names where name.hasPrefix(temporaryPrefix(of: url)) {
            try? FileManager.default.removeItem(at: parent.appendingPathComponent(name))
        }
    }

    /// Runs a body while no one else is in such a body for a folder beside `url`, or for `url` itself, in this process or another.
    ///
    /// The lock (`flock(2)`) is that of the folder that holds `url`, and ends with the process at the latest. File systems that have no locks get none.
    /// - Throws: `FileSystemError` when there is no such folder, or what `body` throws.
    public static func exclusively<Value>(at url: URL, _ body: () throws -> Value) throws -> Value {
        let parent = url.resolvingSymlinksInPath().deletingLastPathComponent()
        let descriptor = open(parent.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystemError.last("open", parent.path) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            switch errno {
            case EINTR: continue
            // NFS wants a file that can be written to, which a folder never is.
            case EBADF, EINVAL, ENOLCK, ENOSYS, ENOTSUP: return try body()
            default: throw FileSystemError.last("lock", parent.path)
            }
        }
        return try body()
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

    /// What the old folder is called while a new one takes its place in two steps.
    private static func previous(of url: URL) -> URL {
        url.deletingLastPathComponent().appendingPathComponent(".\(url.lastPathComponent).previous")
    }
}
