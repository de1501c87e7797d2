import Foundation

/// The kind of file at a path, with all links resolved.
package enum PathKind: Sendable, Equatable {
    /// A folder.
    case folder
    /// A regular file.
    case file
    /// A device, a pipe or a socket.
    case other

    /// Determines the kind of file at a path; nil if nothing exists there.
    /// - Throws: `FileSystemError` if the path cannot be reached because of a dead link or a folder that may not be
    ///   searched.
    package init?(at path: String) throws {
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
            let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? "another path"
            throw FileSystemError(
                operation: "reach", path: link, code: ENOENT, hint: "it is a link to \(target), which is not there")
        }
        return nil
    }

    /// Returns the first dead link on a path.
    private static func deadLink(on path: String) -> String? {
        let ends = path.indices.filter { path[$0] == "/" && $0 > path.startIndex } + [path.endIndex]
        return ends.lazy.map { String(path[..<$0]) }.first { part in
            var status = stat()
            guard lstat(part, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return false }
            return stat(part, &status) != 0
        }
    }
}
