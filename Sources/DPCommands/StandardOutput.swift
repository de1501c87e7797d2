import DPBase
import DPDatasets

#if canImport(Glibc)
    @preconcurrency import Glibc
#elseif canImport(Musl)
    @preconcurrency import Musl
#elseif canImport(Darwin)
    @preconcurrency import Darwin
#endif

/// Standard output, for results.
enum StandardOutput {
    /// Writes a line.
    static func write(line: String) { print(line) }

    /// Flushes buffered output.
    /// - Throws: `FileSystemError` when a write failed, for example because the disk is full.
    static func flush() throws {
        guard fflush(stdout) == 0, ferror(stdout) == 0 else {
            throw FileSystemError(operation: "write", path: "standard output", code: errno)
        }
    }
}
