import DPBase
import Foundation

/// The storage of a zarr hierarchy: files by key, where `/` separates the parts of a key.
protocol ZarrStore {
    /// The path to use in errors.
    var path: String { get }

    /// Returns the bytes of a file, or `nil` if there is none.
    /// - Throws: an error when the file cannot be read, is damaged, or is longer than `limit` bytes.
    func bytes(_ key: String, limit: Int) throws -> [UInt8]?

    /// Returns the names directly below a key, sorted.
    func children(of key: String) throws -> [String]

    /// Returns the kind of the file or folder at a key; nil if there is nothing.
    /// - Throws: an error when the key cannot be accessed.
    func kind(of key: String) throws -> PathKind?
}

extension ZarrStore {
    /// The path of a key, for errors.
    func path(of key: String) -> String { key.isEmpty ? path : "\(path)/\(key)" }
}

/// A zarr hierarchy in a folder.
struct ZarrFolderStore: ZarrStore {
    let folder: URL

    var path: String { folder.path }

    func bytes(_ key: String, limit: Int) throws -> [UInt8]? {
        guard try kind(of: key) == .file else { return nil }
        return try FileSource(path: folder.appendingPathComponent(key).path).bytes(limit: limit)
    }

    func kind(of key: String) throws -> PathKind? { try PathKind(at: folder.appendingPathComponent(key).path) }

    func children(of key: String) throws -> [String] {
        let path = folder.appendingPathComponent(key).path
        guard access(path, R_OK | X_OK) == 0 else { throw FileSystemError.last("open", path) }
        return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }
}

/// A zarr hierarchy in a zip archive, at its root or in one of its folders.
struct ZarrZipStore: ZarrStore {
    let archive: ZipArchive
    /// The folder inside the archive that holds the hierarchy: empty, or ending in `/`.
    let root: String

    /// Opens an archive and finds the hierarchy in it: the outermost folder with a `.zgroup`.
    init(contentsOf url: URL) throws {
        archive = try ZipArchive(contentsOf: url)
        let groups = archive.names.filter { $0 == ".zgroup" || $0.hasSuffix("/.zgroup") }
        guard let outermost = groups.min(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }) else {
            let isVersion3 = archive.names.contains { $0 == "zarr.json" || $0.hasSuffix("/zarr.json") }
            throw InputError(
                at: url.path, expected: "a zarr v2 group (.zgroup) in the archive",
                found: isVersion3 ? "a group of zarr v3" : "none among \(archive.names.count) entries",
                hint: isVersion3 ? "save it with zarr_format=2" : nil)
        }
        let root = String(outermost.dropLast(".zgroup".count))
        if let other = groups.first(where: { !$0.hasPrefix(root) }) {
            throw InputError(
                at: url.path, expected: "one zarr hierarchy in the archive", found: "\(outermost) and \(other)",
                hint: "unpack the archive and name one of them")
        }
        self.root = root
    }

    var path: String { root.isEmpty ? archive.path : "\(archive.path)/\(root.dropLast())" }

    func bytes(_ key: String, limit: Int) throws -> [UInt8]? { try archive.bytes(root + key, limit: limit) }

    func children(of key: String) -> [String] {
        let prefix = root + (key.isEmpty ? "" : key + "/")
        var children: Set<Substring> = []
        for name in archive.names where name.hasPrefix(prefix) {
            if let child = name.dropFirst(prefix.count).split(separator: "/").first { children.insert(child) }
        }
        return children.map(String.init).sorted()
    }

    func kind(of key: String) -> PathKind? {
        let name = root + key
        if archive.names.contains(where: { $0.hasPrefix(name + "/") }) { return .folder }
        return archive.names.contains(name) ? .file : nil
    }
}
