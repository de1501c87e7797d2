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

    /// Does something, and throws away what it prints with C's standard output; it may print some thousand bytes.
    ///
    /// The bytes stay in the stream's memory and are dropped there. The file that standard output is stays as it is, so that what other threads write to
    /// it is not lost; what they print with the stream waits, since the stream's lock is held meanwhile.
    static func discardingOutput(_ body: () -> Void) {
        flockfile(stdout)
        defer { funlockfile(stdout) }
        fflush(stdout)
        let (isLineBuffered, size) = (cp_is_line_buffered(stdout) != 0, cp_buffer_size(stdout))
        // Nothing is written before the memory is full.
        setvbuf(stdout, nil, _IOFBF, 1 << 14)
        body()
        cp_discard_output(stdout)
        if isLineBuffered {
            setvbuf(stdout, nil, _IOLBF, max(size, 1024))
        } else if size <= 1 {
            setvbuf(stdout, nil, _IONBF, 0)
        }
    }
}
