internal import CKernels

/// Instructions in order, in stretches that one team of threads computes without parting in between.
///
/// In a stretch the threads wait for each other only where one needs what another one makes: not between calls of one thread, nor where
/// all threads go on with their own channels.
final class Schedule {
    private enum Stage {
        case stretch(Range<Int>, threads: Int32)
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
                stages.append(.stretch(calls.count..<calls.count, threads: 1))
                since = []
            }
            let waits = since.contains { earlier in instruction.accesses.contains { $0.conflicts(with: earlier) } }
            call.waits = waits ? 1 : 0
            since = (waits ? [] : since) + instruction.accesses
            calls.append(call)
            isNew = false
            if case .stretch(let range, let team) = stages[stages.count - 1] {
                stages[stages.count - 1] = .stretch(
                    range.lowerBound..<calls.count, threads: call.is_serial == 0 ? threads : team)
            }
        }
        self.calls = .allocate(capacity: calls.count)
        _ = self.calls.initialize(from: calls)
        self.closures = closures
    }

    deinit { calls.deallocate() }

    /// Computes everything once.
    func run() {
        for stage in stages {
            switch stage {
            case .stretch(let range, let threads):
                ck_run_calls(calls.baseAddress.map { $0 + range.lowerBound }, range.count, threads)
            case .routine(let run): run()
            }
        }
    }

    /// How often the threads of a team wait for each other in a run, for tests.
    var meetings: Int { calls.count { $0.waits != 0 } }

    /// Work of one thread as a call.
    private final class Closure {
        private let run: () -> Void

        init(_ run: @escaping () -> Void) { self.run = run }

        /// - Precondition: the closure outlives it.
        var call: ck_call {
            ck_call(
                body: { context, _, _ in
                    guard let context else { return }
                    Unmanaged<Closure>.fromOpaque(context).takeUnretainedValue().run()
                }, context: Unmanaged.passUnretained(self).toOpaque(), is_serial: 1, waits: 0)
        }
    }
}

/// What an instruction does to a piece of memory.
struct Access {
    /// The addresses.
    var bytes: Range<UInt>
    /// Whether they are written.
    var isWrite: Bool
    /// Which thread works on which part of them.
    var sharing: Sharing

    /// How the threads of a team share a piece of memory.
    enum Sharing: Hashable {
        /// The first thread works on all of it.
        case first
        /// Each on its share of the channels.
        case channels(count: Int, granule: Int)
        /// Each on all of it.
        case all
    }

    /// Whether one thread must not begin the one before all are done with the other.
    func conflicts(with other: Access) -> Bool {
        guard isWrite || other.isWrite, bytes.overlaps(other.bytes) else { return false }
        switch (sharing, other.sharing) {
        case (.first, .first): return false
        case (.channels, .channels): return sharing != other.sharing || bytes != other.bytes
        default: return true
        }
    }
}
