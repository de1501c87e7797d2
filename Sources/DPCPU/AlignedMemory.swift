internal import DPBase

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Zeroed memory that begins at a cache line and is freed with this object.
///
/// A large block lies in large pages if the system has them: weights that are read from end to end in each pass are
/// read faster when the processor has to find fewer pages, and memory that was never touched need not be zeroed.
///
/// Unchecked, because its pointer is set once and access to the contents is ordered by the `Team`, which one thread
/// leads at a time.
final class AlignedMemory: @unchecked Sendable {
    /// The address of the first byte.
    let start: UnsafeMutableRawPointer
    /// Length in bytes.
    let byteCount: Int
    /// The memory that this is a part of; nil if it owns its memory.
    private let whole: AlignedMemory?

    /// - Throws: `OutOfMemory` when there is not enough.
    init(byteCount: Int) throws {
        try AvailableMemory.check(byteCount)
        guard
            let start = byteCount < AlignedMemory.largePage
                ? AlignedMemory.allocate(byteCount) : AlignedMemory.map(byteCount)
        else { throw OutOfMemory(byteCount: byteCount) }
        self.start = start
        self.byteCount = byteCount
        whole = nil
    }

    private init(partOf whole: AlignedMemory, from offset: Int, byteCount: Int) {
        start = whole.start + offset
        self.byteCount = byteCount
        self.whole = whole
    }

    deinit {
        if whole != nil { return }
        if byteCount < AlignedMemory.largePage { free(start) } else { munmap(start, byteCount) }
    }

    private static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        var pointer: UnsafeMutableRawPointer?
        guard posix_memalign(&pointer, 64, max(byteCount, 64)) == 0, let pointer else { return nil }
        memset(pointer, 0, byteCount)
        return pointer
    }

    /// Maps memory from the system, which is zero when it is first touched, aligned to a large page.
    private static func map(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        let length = byteCount + largePage
        guard let mapped = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapped != MAP_FAILED
        else { return nil }
        let start = mapped.alignedUp(toMultipleOf: largePage)
        if start > mapped { munmap(mapped, start - mapped) }
        let end = (start + byteCount).alignedUp(toMultipleOf: Int(sysconf(Int32(_SC_PAGESIZE))))
        if end < mapped + length { munmap(end, mapped + length - end) }
        madvise(start, byteCount, MADV_HUGEPAGE)
        return start
    }

    /// The size of a large page on x86-64 and, with the usual pages of 4 KiB, on arm64.
    private static let largePage = 2 << 20

    /// Memory for `count` float32.
    convenience init(floats count: Int) throws {
        let (byteCount, isTooLarge) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
        try self.init(byteCount: isTooLarge ? .max : byteCount)
    }

    /// The memory as float32.
    var floats: UnsafeMutablePointer<Float> { start.assumingMemoryBound(to: Float.self) }

    /// Allocates many blocks one after another, in large pages even if each block is small.
    final class SlabAllocator {
        private var slab: AlignedMemory?
        private var used = 0
        private static let slabByteCount = 4 * largePage

        /// Returns zeroed memory that is freed together with its neighbors.
        /// - Throws: `OutOfMemory`.
        func block(byteCount: Int) throws -> AlignedMemory {
            guard byteCount < largePage else { return try AlignedMemory(byteCount: byteCount) }
            let length = (byteCount + 63) / 64 * 64
            if slab == nil || used + length > SlabAllocator.slabByteCount {
                slab = try AlignedMemory(byteCount: SlabAllocator.slabByteCount)
                used = 0
            }
            guard let slab else { throw OutOfMemory(byteCount: byteCount) }
            defer { used += length }
            return AlignedMemory(partOf: slab, from: used, byteCount: byteCount)
        }
    }

    /// Memory that grows while plans are made and reports its new address to its users.
    final class ScratchBuffer {
        private var memory: AlignedMemory?
        private var users: [(UnsafeMutableRawPointer) -> Void] = []

        /// Returns at least `byteCount` bytes.
        /// - Throws: `OutOfMemory`.
        func reserve(_ byteCount: Int) throws -> UnsafeMutableRawPointer {
            if let memory, memory.byteCount >= byteCount { return memory.start }
            let grown = try AlignedMemory(byteCount: byteCount)
            for user in users { user(grown.start) }
            memory = grown
            return grown.start
        }

        /// The current address.
        /// - Precondition: memory has been reserved.
        var start: UnsafeMutableRawPointer {
            guard let memory else { preconditionFailure("no memory has been reserved") }
            return memory.start
        }

        /// Calls `user` whenever the memory moves.
        func onMove(_ user: @escaping (UnsafeMutableRawPointer) -> Void) { users.append(user) }
    }
}

/// Elements for kernels, whose address is fixed for the lifetime of this object.
final class StableArray<Element> {
    /// The address of the first element.
    let start: UnsafeMutablePointer<Element>
    /// The number of elements.
    let count: Int

    init(_ elements: [Element]) {
        count = elements.count
        start = .allocate(capacity: elements.count)
        for (index, element) in elements.enumerated() { (start + index).initialize(to: element) }
    }

    deinit {
        start.deinitialize(count: count)
        start.deallocate()
    }
}
