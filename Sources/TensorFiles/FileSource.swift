public import Foundation
import MachineResources

/// Reads a file as a whole.
///
/// Pipes and devices, which may never end, are refused; so is a file that is too long, before any memory is taken for it.
/// - Parameters:
///   - url: the file.
///   - limit: the most bytes that it may have.
/// - Throws: `TensorFileError`, `FileSystemError` or `OutOfMemory`.
public func readFile(at url: URL, limit: Int) throws -> Data {
    Data(try FileSource(path: url.path).bytes(limit: limit))
}

/// An open file that is read at any place.
///
/// It reads rather than maps: a mapped file that another process shortens kills the reader with a signal, a read
/// returns an error.
final class FileSource: Sendable {
    let path: String
    let size: Int
    private let descriptor: Int32

    init(path: String) throws {
        self.path = path
        // Opening a pipe would wait for someone to write to it.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileSystemError.last("open", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw TensorFileError(file: path, expected: "a file", found: "something else, such as a folder")
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Fills `buffer` with the bytes from `offset` on.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileSystemError.last("read", path) }
            guard count > 0 else {
                throw TensorFileError(
                    file: path, expected: "\(offset + buffer.count) bytes", found: "the end after \(offset + done)")
            }
            done += count
        }
    }

    /// The given bytes.
    func bytes(_ range: Range<Int>) throws -> [UInt8] {
        try AvailableMemory.check(range.count)
        return try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            let target = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<range.count])
            try read(at: range.lowerBound, into: target)
            count = range.count
        }
    }

    /// All bytes, which must not be more than `limit`.
    func bytes(limit: Int) throws -> [UInt8] {
        guard size <= limit else {
            throw TensorFileError(file: path, expected: "at most \(limit) bytes", found: "\(size)")
        }
        return try bytes(0..<size)
    }
}
