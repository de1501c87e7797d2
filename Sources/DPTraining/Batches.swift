import Foundation

/// The batches of a range of updates, in order.
///
/// A thread assembles the next batch while the current one is used. Two batches alternate, so nothing is allocated
/// in the loop. A batch that the caller keeps is not reused. Iterating twice yields the same batches twice.
public struct Batches: Sequence {
    private let assembler: BatchAssembler
    private let updates: Range<Int>

    init(_ assembler: BatchAssembler, updates: Range<Int>) {
        self.assembler = assembler
        self.updates = updates
    }

    /// Starts assembling batches at the first update.
    public func makeIterator() -> Iterator { Iterator(assembler, updates: updates) }

    /// The number of batches.
    public var underestimatedCount: Int { updates.count }

    /// Yields batches; copies of an iterator share its thread and its batches.
    public struct Iterator: IteratorProtocol {
        private let feed: Feed

        fileprivate init(_ assembler: BatchAssembler, updates: Range<Int>) { feed = Feed(assembler, updates: updates) }

        /// The batch of the next update.
        public mutating func next() -> Batch? { feed.next() }
    }

    /// Owns the thread, which ends when no iterator needs batches anymore.
    private final class Feed {
        private let queue: BatchQueue
        private var rest: Int

        func next() -> Batch? {
            guard rest > 0 else { return nil }
            rest -= 1
            return queue.next()
        }

        init(_ assembler: BatchAssembler, updates: Range<Int>) {
            let queue = BatchQueue { assembler.makeBatch() }
            self.queue = queue
            rest = updates.count
            let thread = Thread {
                var order = BatchAssembler.Order()
                for update in updates {
                    guard let batch = queue.takeSpare() else { return }
                    assembler.fill(batch, update: update, order: &order)
                    queue.put(consume batch)
                }
            }
            thread.name = "batches"
            thread.start()
        }

        deinit { queue.close() }
    }
}

/// Passes batches from the thread that fills them to the consumer, and back.
private final class BatchQueue: @unchecked Sendable {
    // The condition guards every variable.
    private let condition = NSCondition()
    private var spares: [Batch]
    private var filled: Batch?
    private var lent: Batch?
    private var isClosed = false
    private let make: @Sendable () -> Batch

    init(make: @escaping @Sendable () -> Batch) {
        self.make = make
        spares = [make(), make()]
    }

    /// Returns a batch to fill; nil when the queue is closed.
    func takeSpare() -> Batch? {
        condition.lock()
        defer { condition.unlock() }
        while spares.isEmpty, !isClosed { condition.wait() }
        return isClosed ? nil : spares.popLast()
    }

    /// Takes ownership of a filled batch: the reference count later shows whether the batch may be reused.
    func put(_ batch: consuming Batch) {
        condition.lock()
        while filled != nil, !isClosed { condition.wait() }
        filled = consume batch
        condition.broadcast()
        condition.unlock()
    }

    /// Returns the next batch and recycles the previous one, unless the caller still holds it.
    func next() -> Batch {
        condition.lock()
        defer { condition.unlock() }
        let isFree = isKnownUniquelyReferenced(&lent)
        if let lent { spares.append(isFree ? lent : make()) }
        lent = nil
        condition.broadcast()  // There is a batch to fill.
        while filled == nil { condition.wait() }
        lent = filled
        filled = nil
        condition.broadcast()  // The next batch can be queued.
        guard let batch = lent else { preconditionFailure("no batch was assembled") }
        return batch
    }

    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }
}
