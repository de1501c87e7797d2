import DPBase
package import Foundation

extension ZarrGroup {
    /// Copies the files of the hierarchy to a new folder, which appears complete or not at all.
    ///
    /// This unpacks an archive.
    ///
    /// Rejects names that point outside the folder, and hierarchies that are too deep or too large.
    /// - Parameters:
    ///   - url: the folder to create.
    ///   - maximumByteCount: the maximum total size of all files in bytes.
    /// - Throws: `InputError` with the file, or `FileSystemError`.
    package func copy(to url: URL, maximumByteCount: Int = 8 << 30) throws {
        try AtomicFolder.create(at: url) { temporary in
            var rest = maximumByteCount
            try copy("", to: temporary, depth: 0, rest: &rest)
        }
    }

    /// The maximum nesting of folders; the hierarchy of a dataset has three levels, or one more per dimension with
    /// nested chunk names.
    private static var maximumDepth: Int { 16 }

    private func copy(_ key: String, to folder: URL, depth: Int, rest: inout Int) throws {
        guard depth <= Self.maximumDepth else {
            throw InputError(
                at: store.path(of: key), expected: "at most \(Self.maximumDepth) nested folders",
                found: "more")
        }
        for name in try store.children(of: key) {
            let child = key.isEmpty ? name : "\(key)/\(name)"
            guard name != ".", name != ".." else {
                throw InputError(
                    at: store.path(of: child), expected: "names inside the archive", found: "one outside it"
                )
            }
            let target = folder.appendingPathComponent(name)
            if let bytes = try store.bytes(child, limit: min(rest, Blosc.bound(ZarrMetadata.maximumChunkByteCount))) {
                rest -= bytes.count
                try AtomicFile.write(Data(bytes), to: target)
            } else {
                guard mkdir(target.path, 0o755) == 0 else { throw FileSystemError.last("create", target.path) }
                try copy(child, to: target, depth: depth + 1, rest: &rest)
            }
        }
    }
}
