import CZip
public import Foundation
import MachineResources

/// A zip archive open for reading, its entries stored or deflated.
///
/// It is not to be used from two threads at once.
public final class ZipArchive {
    /// The path of the archive.
    public let path: String
    /// The names of the entries, as they stand in the archive; those of folders end in `/`.
    public let names: [String]
    private let indices: [String: UInt64]
    private let handle: OpaquePointer

    /// Opens an archive and reads its directory.
    /// - Throws: `FileSystemError` or `TensorFileError`.
    public init(contentsOf url: URL) throws {
        path = url.path
        guard access(path, R_OK) == 0 else { throw FileSystemError.last("open", path) }
        var code: Int32 = 0
        guard let handle = zip_open(path, ZIP_RDONLY, &code) else {
            throw TensorFileError(
                file: url.path, expected: "a zip archive", found: "none that can be read (libzip error \(code))",
                hint: "it may be cut short or of another kind")
        }
        self.handle = handle
        var names: [String] = []
        var indices: [String: UInt64] = [:]
        for index in 0..<UInt64(max(0, zip_get_num_entries(handle, 0))) {
            guard let name = zip_get_name(handle, index, 0).map({ String(cString: $0) }) else { continue }
            names.append(name)
            indices[name] = index
        }
        self.names = names
        self.indices = indices
    }

    deinit { zip_discard(handle) }

    /// The bytes of an entry, or `nil` if there is none of this name.
    /// - Throws: `TensorFileError` when the entry is longer than `limit` bytes or damaged (its CRC-32 is checked).
    public func bytes(_ name: String, limit: Int) throws -> [UInt8]? {
        guard let index = indices[name] else { return nil }
        func failure(expected: String, found: String) -> TensorFileError {
            TensorFileError(file: "\(path)/\(name)", expected: expected, found: found)
        }
        var status = zip_stat_t()
        guard zip_stat_index(handle, index, 0, &status) == 0 else {
            throw failure(expected: "an entry of the archive", found: lastError)
        }
        guard status.size <= UInt64(limit) else {
            throw failure(expected: "at most \(limit) bytes", found: "\(status.size)")
        }
        let size = Int(status.size)
        try AvailableMemory.check(size)
        guard let file = zip_fopen_index(handle, index, 0) else {
            throw failure(expected: "a stored or deflated entry", found: lastError)
        }
        defer { zip_fclose(file) }
        var end = UInt8(0)
        let bytes = try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let read = zip_fread(file, buffer.baseAddress! + count, zip_uint64_t(size - count))
                guard read > 0 else {
                    throw failure(expected: "\(size) bytes", found: "\(count), then damage or the end")
                }
                count += Int(read)
            }
        }
        // Reading on to the end makes libzip compare the checksum.
        guard zip_fread(file, &end, 1) == 0 else {
            throw failure(expected: "\(size) bytes with the checksum of the archive's directory", found: "others")
        }
        return bytes
    }

    private var lastError: String { String(cString: zip_strerror(handle)) }
}
