package import Foundation

/// Data in an unsupported format, with a hint.
package struct ForeignData: Equatable, Sendable {
    /// The detected format.
    package let found: String
    /// How to convert it to a supported format.
    package let hint: String

    private static let conversion = """
        write its episodes as zarr v2, one array per feature in data and meta/episode_ends; \
        Documentation/data.md shows how
        """

    /// Recognizes the data at a path; nil if the format is unknown.
    package init?(at url: URL) {
        func has(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: url.appendingPathComponent(name).path)
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path))?.sorted() ?? []
        if has("meta/info.json") {
            self.init("a LeRobot dataset", Self.conversion)
        } else if has("zarr.json") {
            self.init("a group of zarr v3", "save it with zarr_format=2")
        } else if has("data"), has("meta") {
            self.init(
                "data and meta without .zgroup",
                #"make the folder a group of zarr v2: a file .zgroup with {"zarr_format": 2}"#)
        } else if has("../.zgroup"), has(".zgroup") || has(".zarray") {
            self.init(
                "a part of a zarr hierarchy",
                "name the folder that holds data and meta: \(url.deletingLastPathComponent().path)")
        } else if let inner = names.first(where: { $0.hasSuffix(".zarr") || $0.hasSuffix(".zarr.zip") }) {
            self.init("a folder with \(inner) in it", "use \(url.appendingPathComponent(inner).path)")
        } else if names.contains(where: { $0.hasSuffix(".hdf5") || $0.hasSuffix(".h5") }) {
            self.init("a folder of HDF5 files", Self.conversion)
        } else if names.contains(where: { $0.hasSuffix(".parquet") }) {
            self.init("a folder of Parquet files", Self.conversion)
        } else {
            self.init(file: url)
        }
    }

    /// Recognizes a file by its first bytes.
    private init?(file url: URL) {
        guard (try? PathKind(at: url.path)) == .file, let handle = try? FileHandle(forReadingFrom: url),
            let start = try? handle.read(upToCount: 8)
        else { return nil }
        switch Array(start) {
        case [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]: self.init("an HDF5 file", Self.conversion)
        case let bytes where bytes.starts(with: Array("PAR1".utf8)): self.init("a Parquet file", Self.conversion)
        case let bytes where bytes.starts(with: [0x93] + Array("NUMPY".utf8)):
            self.init("a NumPy array", Self.conversion)
        case let bytes where bytes.starts(with: [0x1F, 0x8B]):
            self.init("a file compressed by gzip", "unpack it and name the zarr folder")
        default: return nil
        }
    }

    init(_ found: String, _ hint: String) {
        self.found = found
        self.hint = hint
    }
}
