import Foundation
import PolicyInterface

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file could not be written.
public struct FileWriteError: Error, Equatable, CustomStringConvertible {
    /// The file.
    public let file: String
    /// What the system said.
    public let reason: String

    /// Which file and why.
    public var description: String {
        "\(file): cannot be written: \(reason); what was there before is untouched"
    }
}

/// Writes a file so that at any moment either the old or the whole new content is there.
func writeAtomically(_ data: Data, to file: URL) throws {
    let file = try replaceable(file)
    let temporary = temporaryFile(for: file)
    do {
        try data.write(to: temporary)
        try install(temporary, as: file)
    } catch {
        try? FileManager.default.removeItem(at: temporary)
        if error is FileWriteError { throw error }
        throw FileWriteError(file: file.path, reason: systemReason(of: error))
    }
}

/// The file that a path stands for, behind all links, if there is nothing but a file in the way.
///
/// A `rename` would put a file into the place of a link or a device such as `/dev/null`.
func replaceable(_ file: URL) throws -> URL {
    var status = stat()
    guard stat(file.path, &status) == 0 else { return file }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileWriteError(file: file.path, reason: "there is a folder, device or pipe in its place")
    }
    return file.resolvingSymlinksInPath()
}

/// A name in the same folder, so that renaming it is one step for the file system.
func temporaryFile(for file: URL) -> URL {
    file.deletingLastPathComponent().appendingPathComponent(".\(file.lastPathComponent).\(UUID().uuidString.prefix(8))")
}

/// Brings a complete temporary file to the disk and gives it its final name.
func install(_ temporary: URL, as file: URL) throws {
    let descriptor = open(temporary.path, O_RDONLY)
    guard descriptor >= 0, fsync(descriptor) == 0 else {
        let reason = String(cString: strerror(errno))
        if descriptor >= 0 { close(descriptor) }
        throw FileWriteError(file: file.path, reason: reason)
    }
    close(descriptor)
    guard rename(temporary.path, file.path) == 0 else {
        throw FileWriteError(file: file.path, reason: String(cString: strerror(errno)))
    }
}
