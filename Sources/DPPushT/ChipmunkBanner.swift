import CDPChipmunk

/// Suppresses the banner that a debug build of Chipmunk prints to standard output, which other programs read.
enum ChipmunkBanner {
    /// Returns an empty space; the output of creating the first one in the process is discarded.
    static func makeSpaceQuietly() -> UnsafeMutablePointer<cpSpace> {
        _ = firstSpace
        return cpSpaceNew()
    }

    /// Creates and frees the first space, once per process.
    private static let firstSpace: Void = discardingOutput { cpSpaceFree(cpSpaceNew()) }

    /// The buffer for discarded output; the stream keeps using it afterward, so it is never freed.
    ///
    /// `nonisolated(unsafe)` is correct, because only the initializer of `firstSpace` uses the buffer, and it runs
    /// once.
    private nonisolated(unsafe) static let memory = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 1 << 14)

    /// Runs a function and discards what it prints with C's standard output: less than 16 KiB.
    ///
    /// The bytes stay in the stream's buffer and are dropped there. The file behind standard output stays the same,
    /// so that data that other threads write to it is not lost; data that they print through the stream waits,
    /// because the stream's lock is held.
    static func discardingOutput(_ body: () -> Void) {
        let mode = cp_keep_output(memory.baseAddress, memory.count)
        body()
        cp_discard_output(memory.baseAddress, memory.count, mode)
    }
}
