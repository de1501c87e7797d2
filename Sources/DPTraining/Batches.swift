import DPBase
import Foundation

/// The batches of a range of updates, in order.
///
/// A thread assembles the next batch while the current one is used. Two batches alternate, so nothing is allocated
/// in the loop. A batch that the caller keeps is not reused. Iterating twice yields the same batches twice.
package struct Batches: Sequence {
    private let assembler: BatchAssembler
    private let updates: Range<Int>

    init(_ assembler: BatchAssembler, updates: Range<Int>) {
        self.assembler = assembler
        self.updates = updates
    }

    /// Starts assembling batches at the first update.
    package func makeIterator() -> Iterator { Iterator(assembler, updates: updates) }

    /// The number of batches.
    package var underestimatedCount: Int { updates.count }

    /// Yields batches; copies of an iterator share its thread and its batches.
    package struct Iterator: IteratorProtocol {
        private let feed: Feed

        fileprivate init(_ assembler: BatchAssembler, updates: Range<Int>) { feed = Feed(assembler, updates: updates) }

        /// The batch of the next update.
        package mutating func next() -> Batch? { feed.next() }
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
private final class BatchQueue: Sendable {
    private struct State {
        var spares: [Batch]
        var filled: Batch?
        /// The batch that the consumer received last.
        var current: Batch?
        var isClosed = false
    }

    private let state: Monitor<State>
    private let make: @Sendable () -> Batch

    init(make: @escaping @Sendable () -> Batch) {
        self.make = make
        state = Monitor(State(spares: [make(), make()]))
    }

    /// Returns a batch to fill; nil when the queue is closed.
    func takeSpare() -> Batch? {
        state.wait { state -> Batch?? in
            if state.isClosed { return .some(nil) }
            return state.spares.isEmpty ? nil : .some(state.spares.removeLast())
        }
    }

    /// Takes ownership of a filled batch: the reference count later shows whether the batch may be reused.
    func put(_ batch: consuming Batch) {
        var batch: Batch? = consume batch
        state.wait { state -> Void? in
            guard state.filled == nil || state.isClosed else { return nil }
            state.filled = batch.take()
            return ()
        }
    }

    /// Returns the next batch and recycles the previous one, unless the caller still holds it.
    func next() -> Batch {
        state.change { state in
            let isFree = isKnownUniquelyReferenced(&state.current)
            if let batch = state.current.take() { state.spares.append(isFree ? batch : make()) }
        }
        return state.wait { state in
            state.current = state.filled.take()
            return state.current
        }
    }

    func close() { state.change { $0.isClosed = true } }
}
