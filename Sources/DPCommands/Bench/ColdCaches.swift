import Foundation

/// A buffer larger than any cache, which evicts everything else from the caches.
///
/// Unchecked, because its threads change different bytes, and `empty` runs once at a time.
final class ColdCaches: @unchecked Sendable {
    // Several times the last-level cache of a core of today's large processors.
    private static let bytes = 192 << 20
    private static let line = 64

    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: ColdCaches.bytes, alignment: 64)
    private let threads: Int

    /// - Parameter threads: the number of threads whose caches are emptied.
    init(threads: Int) {
        self.threads = threads
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { memory.deallocate() }

    /// Changes every cache line of the buffer on every thread, so that private caches are emptied too.
    func empty() {
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            // Each thread changes a different byte of the line.
            for offset in stride(from: thread % Self.line, to: memory.count, by: Self.line) { memory[offset] &+= 1 }
        }
    }
}
