package import Foundation

/// Reads a whole file.
///
/// Pipes and devices, which may never end, are refused, and so is a file that is too long, before any memory is
/// allocated for it.
/// - Parameters:
///   - url: the file.
///   - limit: the maximum size in bytes.
/// - Throws: `InputError`, `FileSystemError` or `OutOfMemory`.
package func readFile(at url: URL, limit: Int) throws -> Data {
    Data(try FileSource(path: url.path).bytes(limit: limit))
}

/// An open file for reading at any offset.
///
/// It reads rather than maps the file: if another process shortens a mapped file, a signal kills the reader,
/// whereas a read returns an error.
package final class FileSource: Sendable {
    package let path: String
    package let size: Int
    private let descriptor: Int32

    package init(path: String) throws {
        self.path = path
        // Without `O_NONBLOCK`, opening a pipe would wait for a writer.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileSystemError.last("open", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw InputError(at: path, expected: "a file", found: "something else, such as a folder")
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Fills `buffer` with the bytes that start at `offset`.
    package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileSystemError.last("read", path) }
            guard count > 0 else {
                throw InputError(
                    at: path, expected: "\(offset + buffer.count) bytes", found: "the end after \(offset + done)")
            }
            done += count
        }
    }

    /// Returns the bytes in a range.
    package func bytes(_ range: Range<Int>) throws -> [UInt8] {
        try AvailableMemory.check(range.count)
        return try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            let target = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<range.count])
            try read(at: range.lowerBound, into: target)
            count = range.count
        }
    }

    /// Returns all bytes, which must be at most `limit`.
    package func bytes(limit: Int) throws -> [UInt8] {
        guard size <= limit else {
            throw InputError(at: path, expected: "at most \(limit) bytes", found: "\(size)")
        }
        return try bytes(0..<size)
    }
}
