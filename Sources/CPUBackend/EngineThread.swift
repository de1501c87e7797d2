internal import Foundation

/// The one thread on which everything of a machine runs.
///
/// The OpenMP runtime keeps a team of threads for each thread that calls it; were plans run wherever a caller happens to be, each would bring its
/// own team to the same cores.
final class EngineThread: @unchecked Sendable {
    private let mailbox = Mailbox()
    private let thread: Thread

    /// - Parameter prepare: called first on the new thread.
    init(prepare: @escaping @Sendable () -> Void) {
        let mailbox = mailbox
        thread = Thread {
            prepare()
            while mailbox.runNext() {}
        }
        thread.name = "engine"
        thread.stackSize = 16 << 20
        thread.start()
    }

    deinit { mailbox.close() }

    /// Runs `body` on the thread and waits for it; directly, if this is the thread.
    func perform<Result>(_ body: () throws -> Result) rethrows -> Result {
        if Thread.current == thread { return try body() }
        return try handOver(body) { throw $0 }
    }

    /// `rethrow` shows the compiler that nothing is thrown but what `body` throws.
    private func handOver<Value>(_ body: () throws -> Value, rethrow: (any Error) throws -> Value) rethrows -> Value {
        var result: Result<Value, any Error>?
        withoutActuallyEscaping(body) { body in
            let done = DispatchSemaphore(value: 0)
            mailbox.put(Mailbox.Item(run: { result = Result(catching: body) }, done: done))
            done.wait()
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): return try rethrow(error)
        case nil: preconditionFailure("the engine thread has ended")
        }
    }
}

/// A queue of work that one thread empties.
private final class Mailbox: @unchecked Sendable {
    /// Work, and what its sender waits for.
    struct Item {
        var run: () -> Void
        var done: DispatchSemaphore
    }

    private let condition = NSCondition()
    private var items: [Item] = []
    private var isClosed = false

    func put(_ item: Item) {
        condition.lock()
        items.append(item)
        condition.signal()
        condition.unlock()
    }

    func close() {
        condition.lock()
        isClosed = true
        condition.signal()
        condition.unlock()
    }

    /// Waits for the next item and runs it; false after the end.
    func runNext() -> Bool {
        condition.lock()
        while items.isEmpty && !isClosed { condition.wait() }
        var item = items.isEmpty ? nil : items.removeFirst()
        condition.unlock()
        guard let done = item?.done else { return false }
        item?.run()
        // The sender's closure must be gone before the sender goes on: it does not escape from there.
        item = nil
        done.signal()
        return true
    }
}
