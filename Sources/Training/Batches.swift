import Foundation

/// The batches of a number of updates, in order.
///
/// A thread assembles the next batch while the present one is used; two batches take turns, so nothing is allocated on the way. A batch that
/// is kept by someone else is not reused. Who iterates twice gets the same batches twice.
public struct Batches: Sequence {
    private let assembler: BatchAssembler
    private let updates: Range<Int>

    init(_ assembler: BatchAssembler, updates: Range<Int>) {
        self.assembler = assembler
        self.updates = updates
    }

    /// Begins to assemble, at the batch of the first update.
    public func makeIterator() -> Iterator { Iterator(assembler, updates: updates) }

    /// How many batches there are.
    public var underestimatedCount: Int { updates.count }

    /// Hands out batches; copies of an iterator share its thread, and with it the batches.
    public struct Iterator: IteratorProtocol {
        private let feed: Feed

        fileprivate init(_ assembler: BatchAssembler, updates: Range<Int>) { feed = Feed(assembler, updates: updates) }

        /// The batch of the next update.
        public mutating func next() -> Batch? { feed.next() }
    }

    /// Owns the thread: it ends when no one wants batches any more.
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

/// Hands batches from the thread that fills them to the one that uses them, and back.
private final class BatchQueue: @unchecked Sendable {
    // Every variable is guarded by the condition.
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

    /// A batch to fill; nil when the queue is closed.
    func takeSpare() -> Batch? {
        condition.lock()
        defer { condition.unlock() }
        while spares.isEmpty, !isClosed { condition.wait() }
        return isClosed ? nil : spares.popLast()
    }

    /// Takes a filled batch over: whether a batch may be reused is told by who else holds it.
    func put(_ batch: consuming Batch) {
        condition.lock()
        while filled != nil, !isClosed { condition.wait() }
        filled = consume batch
        condition.broadcast()
        condition.unlock()
    }

    /// The next batch; the one before is given back, unless someone still holds it.
    func next() -> Batch {
        condition.lock()
        defer { condition.unlock() }
        let isFree = isKnownUniquelyReferenced(&lent)
        if let lent { spares.append(isFree ? lent : make()) }
        lent = nil
        condition.broadcast()  // There is a batch to fill,
        while filled == nil { condition.wait() }
        lent = filled
        filled = nil
        condition.broadcast()  // and now room for the next one.
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
