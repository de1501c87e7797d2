public import Foundation

extension ZarrGroup {
    /// Copies the files of the hierarchy to a new folder, which appears complete or not at all: how an archive is
    /// unpacked.
    ///
    /// Names that lead out of the folder are refused, and so are hierarchies that are too deep or too large.
    /// - Parameters:
    ///   - url: the folder to create.
    ///   - maximumByteCount: how many bytes all files may have together.
    /// - Throws: `TensorFileError` naming the file, or `FileSystemError`.
    public func copy(to url: URL, maximumByteCount: Int = 8 << 30) throws {
        try AtomicFolder.create(at: url) { temporary in
            var rest = maximumByteCount
            try copy("", to: temporary, depth: 0, rest: &rest)
        }
    }

    /// The deepest nesting of folders that is copied; a hierarchy of demonstrations has three levels, or one a
    /// dimension more.
    private static var maximumDepth: Int { 16 }

    private func copy(_ key: String, to folder: URL, depth: Int, rest: inout Int) throws {
        guard depth <= Self.maximumDepth else {
            throw TensorFileError(
                file: store.path(of: key), expected: "at most \(Self.maximumDepth) folders in one another",
                found: "more")
        }
        for name in try store.children(of: key) {
            let child = key.isEmpty ? name : "\(key)/\(name)"
            guard name != ".", name != ".." else {
                throw TensorFileError(
                    file: store.path(of: child), expected: "names inside the archive", found: "one that leads out of it"
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
