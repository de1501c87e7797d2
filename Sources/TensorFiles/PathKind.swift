import Foundation

/// What is at a path, behind all links.
public enum PathKind: Sendable, Equatable {
    /// A folder.
    case folder
    /// A file with bytes.
    case file
    /// A device, a pipe or a socket.
    case other

    /// Finds out what is at a path; nil if nothing is there.
    /// - Throws: `FileSystemError` when what is there cannot be reached: a link leads nowhere, or a folder on the way may not be searched.
    public init?(at path: String) throws {
        var status = stat()
        if stat(path, &status) == 0 {
            switch status.st_mode & S_IFMT {
            case S_IFDIR: self = .folder
            case S_IFREG: self = .file
            default: self = .other
            }
            return
        }
        guard errno == ENOENT || errno == ENOTDIR else { throw FileSystemError.last("reach", path) }
        if let link = Self.deadLink(on: path) {
            let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? "another place"
            throw FileSystemError(
                operation: "reach", path: link, code: ENOENT, hint: "it is a link to \(target), which is not there")
        }
        return nil
    }

    /// The first link on the way that leads nowhere.
    private static func deadLink(on path: String) -> String? {
        let ends = path.indices.filter { path[$0] == "/" && $0 > path.startIndex } + [path.endIndex]
        return ends.lazy.map { String(path[..<$0]) }.first { part in
            var status = stat()
            guard lstat(part, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return false }
            return stat(part, &status) != 0
        }
    }
}
