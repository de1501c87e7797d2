import DPBase
import DPDatasets
import Foundation

/// Checks output paths before long work starts.
enum OutputPath {
    /// Checks that a file can be created or replaced at a path.
    /// - Throws: `InputError` or `FileSystemError`.
    static func check(file path: String) throws {
        switch try PathKind(at: path) {
        case .folder: throw refusal(path, "a folder")
        case .other: throw refusal(path, "a device or pipe")
        case .file, nil: break
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard try PathKind(at: folder) == .folder else { throw refusal(path, "no folder \(folder)") }
        try check(isWritable: folder, for: path)
    }

    /// Checks that a folder exists or can be created at a path.
    /// - Throws: `InputError` or `FileSystemError`.
    static func check(folder path: String) throws {
        var folder = URL(fileURLWithPath: path).standardizedFileURL
        while try PathKind(at: folder.path) == nil, folder.path != "/" { folder.deleteLastPathComponent() }
        guard try PathKind(at: folder.path) == .folder else {
            throw refusal(path, "\(folder.path), which is not a folder")
        }
        try check(isWritable: folder.path, for: path)
    }

    private static func check(isWritable folder: String, for path: String) throws {
        guard access(folder, W_OK | X_OK) == 0 else {
            throw refusal(path, "\(folder): \(String(cString: strerror(errno)))")
        }
    }

    private static func refusal(_ path: String, _ found: String) -> InputError {
        InputError(at: path, expected: "a writable path", found: found)
    }
}
