internal import CKernels
internal import Foundation

/// The one thread on which everything of a machine runs, and the leader of its team.
///
/// Were plans run wherever a caller happens to be, each caller would bring a team of its own to the same cores.
final class EngineThread: @unchecked Sendable {
    /// Threads of the team, the leader included: fewer than asked for if the system grants no more.
    let threads: Int
    private let team: OpaquePointer
    private let mailbox = Mailbox()
    private let thread: Thread

    /// Starts the thread and its team.
    init(threads: Int) {
        let mailbox = mailbox
        // Written by the new thread before it takes its first work.
        nonisolated(unsafe) var made: OpaquePointer?
        thread = Thread {
            let team = ck_lead_team(Int32(threads))
            made = team
            while mailbox.runNext() {}
            ck_disband_team(team)
        }
        thread.name = "engine"
        thread.stackSize = 16 << 20
        thread.start()
        _ = mailbox.handOver(.call {})
        guard let team = made else { preconditionFailure("the engine thread has no team") }
        self.team = team
        self.threads = Int(ck_team_size(team))
    }

    deinit { mailbox.close() }

    /// What the team does when a member has no processor; for tests.
    func setTeamMode(_ mode: ck_team_mode) { perform { ck_set_team_mode(team, mode) } }

    /// What the team has done so far.
    var teamCounts: ck_team_counts { perform { ck_count_team(team) } }

    private var isCurrent: Bool { Thread.current == thread }

    /// Does a piece of work on the thread and waits for it; directly, if this is the thread.
    ///
    /// It allocates nothing.
    /// - Returns: the work's number, if it has one.
    @discardableResult
    func perform(_ work: EngineWork) -> Double { isCurrent ? work.execute() : mailbox.handOver(work) }

    /// Runs `body` on the thread and waits for it; directly, if this is the thread.
    func perform<Result>(_ body: () throws -> Result) rethrows -> Result {
        if isCurrent { return try body() }
        return try handOver(body) { throw $0 }
    }

    /// `rethrow` shows the compiler that nothing is thrown but what `body` throws.
    private func handOver<Value>(_ body: () throws -> Value, rethrow: (any Error) throws -> Value) rethrows -> Value {
        var result: Result<Value, any Error>?
        withoutActuallyEscaping(body) { body in
            _ = mailbox.handOver(.call { result = Result(catching: body) })
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): return try rethrow(error)
        case nil: preconditionFailure("the engine thread has ended")
        }
    }
}

/// Hands work to a thread, one piece at a time, and waits for it.
private final class Mailbox: @unchecked Sendable {
    /// Held by a sender from handing its work over to taking the result.
    private let sender = NSLock()
    // Every variable is guarded by the condition.
    private let condition = NSCondition()
    private var work: EngineWork?
    private var result: Double?
    private var isClosed = false

    func handOver(_ work: EngineWork) -> Double {
        sender.lock()
        defer { sender.unlock() }
        condition.lock()
        defer { condition.unlock() }
        self.work = work
        condition.broadcast()
        while true {
            if let found = result {
                result = nil
                return found
            }
            condition.wait()
        }
    }

    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }

    /// Waits for the next piece of work and does it; false after the end.
    func runNext() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while work == nil && !isClosed { condition.wait() }
        guard let result = take() else { return false }
        self.result = result
        condition.broadcast()
        return true
    }

    /// The sender's closure must be gone before the sender goes on: it does not escape from there.
    private func take() -> Double? {
        guard let work else { return nil }
        self.work = nil
        condition.unlock()
        defer { condition.lock() }
        return work.execute()
    }
}
