import Foundation

/// An open file to which bytes are appended piece by piece.
package final class FileSink {
    private let name: String
    private let hint: String?
    private var descriptor: Int32

    /// Opens a file.
    /// - Parameters:
    ///   - path: the file to open.
    ///   - flags: as for `open(2)`.
    ///   - name: the path to report in errors, if it is not `path`.
    ///   - hint: the hint to add to errors.
    /// - Throws: `FileSystemError`.
    package init(path: String, flags: Int32, name: String? = nil, hint: String? = nil) throws {
        self.name = name ?? path
        self.hint = hint
        descriptor = open(path, flags | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileSystemError.last("write", self.name, hint: hint) }
    }

    deinit { close() }

    /// Appends bytes.
    /// - Throws: `FileSystemError`, for example when the disk is full.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw FileSystemError.last("write", name, hint: hint)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Waits until every byte is on the disk.
    /// - Throws: `FileSystemError`.
    package func flush() throws {
        guard fsync(descriptor) == 0 else { throw FileSystemError.last("flush", name, hint: hint) }
    }

    /// Closes the file; nothing can be written afterward.
    package func close() {
        guard descriptor >= 0 else { return }
        Foundation.close(descriptor)
        descriptor = -1
    }
}
