import CDPSystem
package import Foundation

/// Creates folders that appear complete or not at all.
package enum AtomicFolder {
    /// Creates the folder at `url` with the contents that `body` writes to a temporary folder next to it.
    ///
    /// The temporary folder is removed if anything fails.
    /// - Throws: `InputError` if something exists at `url`, `FileSystemError`, or any error of `body`.
    package static func create(at url: URL, _ body: (_ temporary: URL) throws -> Void) throws {
        guard !FileManager.default.fileExists(atPath: url.path) else {
            throw InputError(
                at: url.path, expected: "nothing there yet", found: "a file or folder",
                hint: "remove it or choose another name")
        }
        try fill(url, operation: "create", otherwise: "nothing was left there", body) { temporary in
            guard rename(temporary.path, url.path) == 0 else { throw FileSystemError.last("create", url.path) }
        }
    }

    /// Replaces the folder at `url` with the contents that `body` writes, or creates it if there is none.
    ///
    /// At every moment either the complete old folder or the complete new folder exists: the two exchange their
    /// names in one step (`RENAME_EXCHANGE` of `renameat2(2)`), then the old one is removed. A link is kept, and its
    /// target is replaced. Some file systems, such as network file systems, cannot exchange names; there it takes
    /// two steps, and `removeLeftovers(of:)` restores a valid state if the process is killed between them.
    /// - Throws: `FileSystemError`, or any error of `body`; the old folder is then unchanged.
    package static func replace(at url: URL, _ body: (_ temporary: URL) throws -> Void) throws {
        let url = url.resolvingSymlinksInPath()
        guard FileManager.default.fileExists(atPath: url.path) else { return try create(at: url, body) }
        let unchanged = "\(url.path) is unchanged"
        try fill(url, operation: "replace", otherwise: unchanged, body) { temporary in
            if fx_exchange(temporary.path, url.path) == 0 { return }
            let code = errno
            guard [EINVAL, ENOSYS, ENOTSUP].contains(code) else {
                throw FileSystemError(operation: "replace", path: url.path, code: code, hint: unchanged)
            }
            try replaceInTwoSteps(url, by: temporary, otherwise: unchanged)
        }
    }

    /// Replaces a folder with another one by two renames; in between, the old folder has a temporary name.
    static func replaceInTwoSteps(_ url: URL, by new: URL, otherwise hint: String) throws {
        let previous = previous(of: url)
        // A folder exists at `url`, so the leftover is older.
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

    /// Removes temporary folders that a killed process left behind while creating or replacing the folder at `url`,
    /// and restores the name of the old folder if the new one was not yet in place.
    ///
    /// Call it only when no other process can be writing that folder.
    package static func removeLeftovers(of url: URL) {
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

    /// Runs a body while no other call runs one for `url` or for another item in the same folder, in this process
    /// or another.
    ///
    /// The lock (`flock(2)`) is on the parent folder of `url`, and is released at the latest when the process ends.
    /// On file systems without locks, the body runs unlocked.
    /// - Throws: `FileSystemError` if the parent folder does not exist, or any error of `body`.
    package static func exclusively<Value>(at url: URL, _ body: () throws -> Value) throws -> Value {
        let parent = url.resolvingSymlinksInPath().deletingLastPathComponent()
        let descriptor = open(parent.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystemError.last("open", parent.path) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            switch errno {
            case EINTR: continue
            // NFS locks only files that are open for writing, which a folder never is.
            case EBADF, EINVAL, ENOLCK, ENOSYS, ENOTSUP: return try body()
            default: throw FileSystemError.last("lock", parent.path)
            }
        }
        return try body()
    }

    /// Fills a temporary folder next to `url`, calls `take` to give it its final name, and removes anything that
    /// remains under the temporary name.
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

    /// Returns the path of the old folder while a new one replaces it in two steps.
    private static func previous(of url: URL) -> URL {
        url.deletingLastPathComponent().appendingPathComponent(".\(url.lastPathComponent).previous")
    }
}
