internal import CDPKernels

/// Instructions in order, grouped into regions, each of which one team of threads computes in parallel.
///
/// Within a region, the threads wait for each other only where one needs a result of another: not between calls of
/// one thread, nor where all threads continue with their own channels.
final class Schedule {
    private enum Stage {
        case region(Range<Int>, threads: Int32)
        case routine(() -> Void)
    }

    private let calls: UnsafeMutableBufferPointer<ck_call>
    private let closures: [Closure]
    private var stages: [Stage] = []

    init(_ instructions: [Plan.Instruction], threads: Int32) {
        var calls: [ck_call] = []
        var closures: [Closure] = []
        var since: [Access] = []
        var isNew = true
        for instruction in instructions {
            var call: ck_call
            switch instruction.work {
            case .routine(let run):
                stages.append(.routine(run))
                isNew = true
                continue
            case .serial(let run):
                let closure = Closure(run)
                closures.append(closure)
                call = closure.call
            case .call(let kernel):
                call = kernel
            }
            if isNew {
                stages.append(.region(calls.count..<calls.count, threads: 1))
                since = []
            }
            let waits = since.contains { earlier in instruction.accesses.contains { $0.conflicts(with: earlier) } }
            call.waits = waits ? 1 : 0
            since = (waits ? [] : since) + instruction.accesses
            calls.append(call)
            isNew = false
            if case .region(let range, let team) = stages[stages.count - 1] {
                stages[stages.count - 1] = .region(
                    range.lowerBound..<calls.count, threads: call.is_serial == 0 ? threads : team)
            }
        }
        self.calls = .allocate(capacity: calls.count)
        _ = self.calls.initialize(from: calls)
        self.closures = closures
    }

    deinit { calls.deallocate() }

    /// Runs all instructions once.
    func run() {
        for stage in stages {
            switch stage {
            case .region(let range, let threads):
                ck_run_calls(calls.baseAddress.map { $0 + range.lowerBound }, range.count, threads)
            case .routine(let run): run()
            }
        }
    }

    /// The number of barriers in a run, for tests.
    var meetings: Int { calls.count { $0.waits != 0 } }

    /// Work of one thread as a call.
    private final class Closure {
        private let run: () -> Void

        init(_ run: @escaping () -> Void) { self.run = run }

        /// - Precondition: the closure outlives the call.
        var call: ck_call {
            ck_call(
                body: { context, _, _ in
                    guard let context else { return }
                    Unmanaged<Closure>.fromOpaque(context).takeUnretainedValue().run()
                }, context: Unmanaged.passUnretained(self).toOpaque(), is_serial: 1, waits: 0)
        }
    }
}

/// An instruction's access to a range of memory.
struct Access {
    /// The range of addresses.
    var bytes: Range<UInt>
    /// Whether they are written.
    var isWrite: Bool
    /// Which thread works on which part of them.
    var sharing: Sharing

    /// How the threads of a team divide a range of memory.
    enum Sharing: Hashable {
        /// The first thread works on all of it.
        case first
        /// Each thread works on its part of the channels.
        case channels(count: Int, grain: Int)
        /// Each thread may work on all of it.
        case all
    }

    /// Returns whether one access must not begin before all threads have finished the other.
    func conflicts(with other: Access) -> Bool {
        guard isWrite || other.isWrite, bytes.overlaps(other.bytes) else { return false }
        switch (sharing, other.sharing) {
        case (.first, .first): return false
        case (.channels, .channels): return sharing != other.sharing || bytes != other.bytes
        default: return true
        }
    }
}
