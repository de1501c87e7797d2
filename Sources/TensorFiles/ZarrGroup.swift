public import Foundation

/// A zarr v2 hierarchy: a folder, or a zip archive that holds one.
public struct ZarrGroup {
    let store: any ZarrStore

    /// Opens a hierarchy.
    /// - Throws: `TensorFileError` when there is no zarr v2 group, or `FileSystemError`.
    public init(contentsOf url: URL) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw TensorFileError(file: url.path, expected: "a zarr v2 folder or .zarr.zip", found: "no such file")
        }
        store = isFolder.boolValue ? ZarrFolderStore(folder: url) : try ZarrZipStore(contentsOf: url)
        guard try store.bytes(".zgroup", limit: 1 << 20) != nil else {
            let isVersion3 = (try? store.bytes("zarr.json", limit: 1 << 24)) != nil
            throw TensorFileError(
                file: url.path, expected: "a zarr v2 group (.zgroup)",
                found: isVersion3 ? "a group of zarr v3" : "\(try store.children(of: "").count) other files",
                hint: isVersion3 ? "save it with zarr_format=2" : "name the folder that holds data and meta")
        }
    }

    /// The path of the hierarchy.
    public var path: String { store.path }

    /// The names of the arrays in a group, in order; empty if there is no such group.
    /// - Parameter group: the path of the group: `data`.
    /// - Throws: `FileSystemError`.
    public func arrayNames(in group: String) throws -> [String] {
        guard try store.children(of: "").contains(group) else { return [] }
        return try store.children(of: group).filter {
            try store.bytes("\(group)/\($0)/.zarray", limit: 1 << 20) != nil
        }
    }

    /// Opens an array by its name in the hierarchy: `data/state`.
    /// - Throws: `TensorFileError` when it is not there or of a kind that is not read, or `FileSystemError`.
    public func array(_ name: String, missingChunks: ZarrArray.MissingChunks = .refuse) throws -> ZarrArray {
        try ZarrArray(name, in: store, missingChunks: missingChunks)
    }
}
