import TensorFiles

#if canImport(Glibc)
    @preconcurrency import Glibc
#elseif canImport(Musl)
    @preconcurrency import Musl
#elseif canImport(Darwin)
    @preconcurrency import Darwin
#endif

/// Where results go.
enum StandardOutput {
    /// Writes a line.
    static func write(line: String) { print(line) }

    /// Brings out what is still held back.
    /// - Throws: `FileSystemError` when something could not be written, for example because the disk is full.
    static func flush() throws {
        guard fflush(stdout) == 0, ferror(stdout) == 0 else {
            throw FileSystemError(operation: "write", path: "standard output", code: errno)
        }
    }
}
