import Foundation
import TensorFiles

/// Checks of places that are written to at the end of a work, before it begins.
enum OutputPlace {
    /// Checks that a file can be made or replaced at a path.
    /// - Throws: `CommandError` or `FileSystemError`.
    static func check(file path: String) throws {
        switch try PathKind(at: path) {
        case .folder: throw refusal(path, "a folder in its place")
        case .other: throw refusal(path, "a device or pipe in its place")
        case .file, nil: break
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard try PathKind(at: folder) == .folder else { throw refusal(path, "no folder \(folder)") }
        try check(isWritable: folder, for: path)
    }

    /// Checks that a folder is there or can be made at a path.
    /// - Throws: `CommandError` or `FileSystemError`.
    static func check(folder path: String) throws {
        var folder = URL(fileURLWithPath: path).standardizedFileURL
        while try PathKind(at: folder.path) == nil, folder.path != "/" { folder.deleteLastPathComponent() }
        guard try PathKind(at: folder.path) == .folder else {
            throw refusal(path, "\(folder.path), which is no folder")
        }
        try check(isWritable: folder.path, for: path)
    }

    private static func check(isWritable folder: String, for path: String) throws {
        guard access(folder, W_OK | X_OK) == 0 else {
            throw refusal(path, "\(folder): \(String(cString: strerror(errno)))")
        }
    }

    private static func refusal(_ path: String, _ found: String) -> CommandError {
        CommandError(place: path, expected: "a place that can be written to", found: found)
    }
}
