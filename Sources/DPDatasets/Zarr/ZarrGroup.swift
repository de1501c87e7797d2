import DPBase
package import Foundation

/// A zarr v2 hierarchy: a folder, or a zip archive that holds one.
package struct ZarrGroup {
    /// An array by its name in a group, or the error from reading it.
    package typealias Entry = (name: String, array: Result<ZarrArray, any Error>)

    let store: any ZarrStore

    /// Opens a hierarchy.
    /// - Throws: `InputError` when there is no zarr v2 group, or `FileSystemError`.
    package init(contentsOf url: URL) throws {
        guard let kind = try PathKind(at: url.path) else {
            throw InputError(at: url.path, expected: "a zarr v2 folder or .zarr.zip", found: "no such file")
        }
        if kind != .folder, let foreign = ForeignData(at: url) {
            throw InputError(
                at: url.path, expected: "a zarr v2 folder or .zarr.zip", found: foreign.found, hint: foreign.hint)
        }
        store = kind == .folder ? ZarrFolderStore(folder: url) : try ZarrZipStore(contentsOf: url)
        guard try store.bytes(".zgroup", limit: 1 << 20) != nil else {
            let foreign = ForeignData(at: url)
            throw InputError(
                at: url.path, expected: "a zarr v2 group (.zgroup)",
                found: try foreign?.found ?? "\(store.children(of: "").count) other files",
                hint: foreign?.hint ?? "name the folder that holds data and meta")
        }
    }

    /// The path of the hierarchy.
    package var path: String { store.path }

    /// Returns the sorted names of the arrays in a group; empty if there is no such group.
    /// - Parameter group: the path of the group: `data`.
    /// - Throws: `FileSystemError`.
    package func arrayNames(in group: String) throws -> [String] { try arrays(in: group).map(\.name) }

    /// Returns the arrays in a group and its subgroups (`robot0/position`), sorted by name, including unreadable
    /// ones with the error; empty if there is no such group.
    /// - Throws: `FileSystemError` when the group itself cannot be listed.
    package func arrays(in group: String) throws -> [Entry] {
        guard try store.children(of: "").contains(group) else { return [] }
        return try arrays(in: group, prefix: "", depth: 0)
    }

    /// The maximum nesting of groups to search.
    private static var maximumDepth: Int { 8 }

    private func arrays(in group: String, prefix: String, depth: Int) throws -> [Entry] {
        try store.children(of: group).filter { !$0.hasPrefix(".") }.flatMap { child -> [Entry] in
            let (key, name) = ("\(group)/\(child)", prefix + child)
            do {
                guard try store.kind(of: key) == .folder else { return [] }
                let isGroup = try store.kind(of: "\(key)/.zarray") == nil && store.kind(of: "\(key)/.zgroup") != nil
                if isGroup, depth < Self.maximumDepth {
                    return try arrays(in: key, prefix: "\(name)/", depth: depth + 1)
                }
            } catch { return [(name, .failure(error))] }
            return [(name, Result { try array(key) })]
        }
    }

    /// Opens an array by its name in the hierarchy: `data/state`.
    /// - Throws: `InputError` when the array does not exist or has an unsupported format, or `FileSystemError`.
    package func array(_ name: String, missingChunks: ZarrArray.MissingChunks = .fill) throws -> ZarrArray {
        try ZarrArray(name, in: store, missingChunks: missingChunks)
    }
}
