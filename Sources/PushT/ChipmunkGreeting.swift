import CChipmunk

#if canImport(Glibc)
    @preconcurrency import Glibc
#elseif canImport(Musl)
    @preconcurrency import Musl
#elseif canImport(Darwin)
    @preconcurrency import Darwin
#endif

/// Keeps the greeting that a debug build of Chipmunk prints out of standard output, which programs read.
enum ChipmunkGreeting {
    /// An empty space; what the first one of the process prints is thrown away.
    static func makeSpaceQuietly() -> UnsafeMutablePointer<cpSpace> {
        _ = firstSpace
        return cpSpaceNew()
    }

    /// Makes and discards the first space, once in a process.
    private static let firstSpace: Void = discardingOutput { cpSpaceFree(cpSpaceNew()) }

    /// What is printed while it is to be thrown away; then the stream goes on with it.
    private nonisolated(unsafe) static let memory = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 1 << 14)

    /// Does something, and throws away what it prints with C's standard output: less than 16 KiB.
    ///
    /// The bytes stay in the stream's memory and are dropped there. The file that standard output is stays as it is, so that what other threads write to
    /// it is not lost; what they print with the stream waits, since the stream's lock is held meanwhile.
    static func discardingOutput(_ body: () -> Void) {
        flockfile(stdout)
        defer { funlockfile(stdout) }
        fflush(stdout)
        let mode = bufferMode
        // Nothing is written before the memory is full.
        setvbuf(stdout, memory.baseAddress, _IOFBF, memory.count)
        body()
        cp_discard_output(stdout)
        setvbuf(stdout, mode == _IONBF ? nil : memory.baseAddress, mode, memory.count)
    }

    /// When standard output writes: at once, at the end of a line, or when its memory is full.
    private static var bufferMode: Int32 {
        switch cp_buffer_size(stdout) {
        case 1: _IONBF
        // It has no memory yet, and would choose now.
        case 0: isatty(STDOUT_FILENO) == 1 ? _IOLBF : _IOFBF
        default: cp_is_line_buffered(stdout) != 0 ? _IOLBF : _IOFBF
        }
    }
}
