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
            while let work = mailbox.take() { work() }
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
            mailbox.put {
                result = Result(catching: body)
                done.signal()
            }
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
    private let condition = NSCondition()
    private var work: [() -> Void] = []
    private var isClosed = false

    func put(_ item: @escaping () -> Void) {
        condition.lock()
        work.append(item)
        condition.signal()
        condition.unlock()
    }

    func close() {
        condition.lock()
        isClosed = true
        condition.signal()
        condition.unlock()
    }

    /// The next item, when there is one; nil after the end.
    func take() -> (() -> Void)? {
        condition.lock()
        defer { condition.unlock() }
        while work.isEmpty && !isClosed { condition.wait() }
        return work.isEmpty ? nil : work.removeFirst()
    }
}
