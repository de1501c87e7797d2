#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Zeroed memory that begins at a cache line and is freed with this object.
final class AlignedMemory: @unchecked Sendable {
    /// Where it begins.
    let start: UnsafeMutableRawPointer
    /// Its length.
    let byteCount: Int

    /// - Throws: `OutOfMemory` when there is not enough.
    init(byteCount: Int) throws {
        var pointer: UnsafeMutableRawPointer?
        // The system promises more than it has and ends the process that uses it, so the limit is set here.
        guard byteCount <= AlignedMemory.physicalByteCount, posix_memalign(&pointer, 64, max(byteCount, 64)) == 0,
            let pointer
        else { throw OutOfMemory(byteCount: byteCount) }
        memset(pointer, 0, byteCount)
        start = pointer
        self.byteCount = byteCount
    }

    /// Memory for `count` float32.
    convenience init(floats count: Int) throws {
        let (byteCount, isTooLarge) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
        try self.init(byteCount: isTooLarge ? .max : byteCount)
    }

    /// The memory of this computer.
    private static let physicalByteCount = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))

    deinit { free(start) }

    /// The memory as float32.
    var floats: UnsafeMutablePointer<Float> { start.assumingMemoryBound(to: Float.self) }

    /// Memory that grows while plans are made and tells its users where it has moved to.
    final class Growing {
        private var memory: AlignedMemory?
        private var users: [(UnsafeMutableRawPointer) -> Void] = []

        /// At least `byteCount` bytes.
        /// - Throws: `OutOfMemory`.
        func reserve(_ byteCount: Int) throws -> UnsafeMutableRawPointer {
            if let memory, memory.byteCount >= byteCount { return memory.start }
            let grown = try AlignedMemory(byteCount: byteCount)
            for user in users { user(grown.start) }
            memory = grown
            return grown.start
        }

        /// Calls `user` whenever the memory moves.
        func onMove(_ user: @escaping (UnsafeMutableRawPointer) -> Void) { users.append(user) }
    }
}

/// A request for more memory than there is.
public struct OutOfMemory: Error, CustomStringConvertible {
    /// How much was asked for.
    public let byteCount: Int

    /// What was asked for and what to do.
    public var description: String {
        "no memory for \(byteCount) bytes: use a smaller batch or network, or a machine with more memory"
    }
}
