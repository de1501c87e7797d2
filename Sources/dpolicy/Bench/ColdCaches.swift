import Foundation

/// Memory larger than any cache, to push everything else out of them.
final class ColdCaches: @unchecked Sendable {
    // Several times the last-level cache of today's large processors' cores.
    private static let bytes = 192 << 20
    private static let line = 64

    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: ColdCaches.bytes, alignment: 64)
    private let threads: Int

    /// - Parameter threads: those whose caches are to be emptied.
    init(threads: Int) {
        self.threads = threads
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { memory.deallocate() }

    /// Changes every line of the memory, each thread all of it, so that private caches are emptied too.
    func empty() {
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            // Every thread changes a byte of its own in each line.
            for offset in stride(from: thread % Self.line, to: memory.count, by: Self.line) { memory[offset] &+= 1 }
        }
    }
}
