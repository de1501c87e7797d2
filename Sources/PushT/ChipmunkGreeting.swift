import CChipmunk

/// Keeps the greeting that a debug build of Chipmunk prints out of standard output, which programs read.
enum ChipmunkGreeting {
    /// An empty space; what the first one of the process prints is thrown away.
    static func makeSpaceQuietly() -> UnsafeMutablePointer<cpSpace> {
        _ = firstSpace
        return cpSpaceNew()
    }

    /// Makes and discards the first space, once in a process.
    private static let firstSpace: Void = discardingOutput { cpSpaceFree(cpSpaceNew()) }

    /// What is printed while it is to be thrown away; then the stream goes on with this memory, which is never freed.
    private nonisolated(unsafe) static let memory = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 1 << 14)

    /// Does something, and throws away what it prints with C's standard output: less than 16 KiB.
    ///
    /// The bytes stay in the stream's memory and are dropped there. The file that standard output is stays as it is, so that what other threads write to
    /// it is not lost; what they print with the stream waits, since the stream's lock is held meanwhile.
    static func discardingOutput(_ body: () -> Void) {
        let mode = cp_keep_output(memory.baseAddress, memory.count)
        body()
        cp_discard_output(memory.baseAddress, memory.count, mode)
    }
}
