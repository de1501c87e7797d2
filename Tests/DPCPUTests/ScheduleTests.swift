import CDPKernels
import Testing

@testable import DPCPU

@Suite("Schedule")
struct ScheduleTests {
    private func access(
        _ bytes: Range<UInt>, writes: Bool = false, _ sharing: Access.Sharing
    ) -> Access {
        Access(bytes: bytes, isWrite: writes, sharing: sharing)
    }

    private func call(_ accesses: Access...) -> Plan.Instruction {
        Plan.Instruction(
            name: "call", accesses: accesses,
            call: ck_call(body: { _, _, _ in }, context: nil, is_serial: 0, waits: 0))
    }

    private func meetings(_ instructions: Plan.Instruction...) -> Int {
        Schedule(instructions, threads: 2).meetings
    }

    private let channels = Access.Sharing.channels(count: 64, grain: 32)

    @Test("readers do not wait for each other")
    func readers() {
        #expect(meetings(call(access(0..<9, .all)), call(access(0..<9, .all))) == 0)
    }

    @Test("a reader waits for the writer and a writer for the readers")
    func writers() {
        let (reads, writes) = (access(0..<9, .all), access(8..<20, writes: true, channels))
        #expect(meetings(call(reads), call(writes)) == 1)
        #expect(meetings(call(writes), call(reads)) == 1)
        #expect(meetings(call(writes), call(access(20..<30, .all))) == 0)
    }

    @Test("threads that use only their own channels do not wait")
    func channelsOfThreads() {
        let (writes, reads) = (access(0..<9, writes: true, channels), access(0..<9, channels))
        #expect(meetings(call(writes), call(reads)) == 0)
        #expect(meetings(call(writes), call(access(0..<9, .channels(count: 64, grain: 64)))) == 1)
        #expect(meetings(call(writes), call(access(0..<5, channels))) == 1)
    }

    @Test("a call waits once for all calls before it")
    func once() {
        let writes = access(0..<9, writes: true, channels)
        #expect(meetings(call(writes), call(access(0..<9, .all)), call(access(0..<9, .all))) == 1)
        // Another writer, and another reader of it.
        #expect(meetings(call(writes), call(access(0..<9, .all)), call(writes), call(access(0..<9, .all))) == 3)
    }

    @Test("routines run in order")
    func routines() {
        final class Log { var entries: [String] = [] }
        let log = Log()
        func serial(_ name: String) -> Plan.Instruction {
            var instruction = Plan.Instruction(name: name) { log.entries.append(name) }
            instruction.work = .serial { log.entries.append(name) }
            return instruction
        }
        let routine = Plan.Instruction(name: "routine") { log.entries.append("routine") }
        let schedule = Schedule([serial("a"), serial("b"), routine, serial("c"), call()], threads: 3)
        schedule.run()
        schedule.run()
        #expect(log.entries == ["a", "b", "routine", "c", "a", "b", "routine", "c"])
        #expect(schedule.meetings == 0)
    }
}
