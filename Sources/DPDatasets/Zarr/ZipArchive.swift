import CDPZip
import DPBase
package import Foundation

/// A zip archive open for reading, with stored or deflated entries.
///
/// It is not safe to use from two threads at once.
package final class ZipArchive {
    /// The path of the archive.
    package let path: String
    /// The names of the entries as stored in the archive; names of folders end in `/`.
    package let names: [String]
    private let indices: [String: UInt64]
    private let handle: OpaquePointer

    /// Opens an archive and reads its directory.
    /// - Throws: `FileSystemError` or `InputError`.
    package init(contentsOf url: URL) throws {
        path = url.path
        guard access(path, R_OK) == 0 else { throw FileSystemError.last("open", path) }
        var code: Int32 = 0
        guard let handle = zip_open(path, ZIP_RDONLY, &code) else {
            throw InputError(
                at: url.path, expected: "a zip archive", found: "none that can be read (libzip error \(code))",
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

    /// Returns the bytes of an entry, or `nil` if there is none of this name.
    /// - Throws: `InputError` when the entry is longer than `limit` bytes or damaged (its CRC-32 is checked).
    package func bytes(_ name: String, limit: Int) throws -> [UInt8]? {
        guard let index = indices[name] else { return nil }
        func failure(expected: String, found: String) -> InputError {
            InputError(at: "\(path)/\(name)", expected: expected, found: found)
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
                    throw failure(expected: "\(size) bytes", found: "\(count), then damaged data or the end")
                }
                count += Int(read)
            }
        }
        // Reading past the end makes libzip verify the checksum.
        guard zip_fread(file, &end, 1) == 0 else {
            throw failure(expected: "\(size) bytes with the checksum of the archive's directory", found: "another one")
        }
        return bytes
    }

    private var lastError: String { String(cString: zip_strerror(handle)) }
}
