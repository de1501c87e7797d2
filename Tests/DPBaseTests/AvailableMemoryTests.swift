import Testing

@testable import DPBase

@Suite("Available memory")
struct AvailableMemoryTests {
    @Test("memory of the computer, without memory reserved for the process")
    func computer() throws {
        let memory = try SystemCopy.virtualMachine().memory
        #expect(memory.promised == 20 << 20)
        #expect(memory.tightest?.byteCount == 16_384_000 << 10)
        #expect(memory.tightest?.available == 8_192_000 << 10 - 20 << 20)
    }

    @Test("limits of the process apply", arguments: [("Max address space", 200_000), ("Max data size", 40_960)])
    func limitsOfProcess(_ name: String, used: Int) throws {
        let machine = try SystemCopy.virtualMachine()
        try machine.write(
            "proc/self/limits", "Limit  Soft Limit  Hard Limit  Units\n\(name)   524288000   unlimited   bytes")
        #expect(machine.memory.tightest?.available == 524_288_000 - used << 10)
        try machine.write("proc/self/limits", "\(name)   unlimited   unlimited   bytes")
        #expect(machine.memory.limits.count == 1)
    }

    @Test("a request that does not fit is refused with numbers")
    func refusal() throws {
        let memory = try SystemCopy.virtualMachine().memory
        try memory.check(8_192_000 << 10 - 20 << 20)
        let error = #expect(throws: OutOfMemory.self) { try memory.check(9 << 30) }
        #expect(
            error?.description == """
                memory: expected room for 9216.0 MiB, found 7980.0 MiB of the 16000.0 MiB of memory of this computer; \
                use a smaller batch, network or dataset, or allow more memory
                """)
    }

    @Test("a request that no computer can grant is refused")
    func overflow() {
        #expect(throws: OutOfMemory.self) { try AvailableMemory.check(.max) }
        #expect(throws: OutOfMemory.self) { try AvailableMemory.check(.max / 2, of: Float.self) }
    }

    @Test("invalid text counts as unknown", arguments: ["", "max", "-5 kB", "12", "99999999999999999999 kB", "12 MB"])
    func rubbish(_ text: String) throws {
        let machine = try SystemCopy.virtualMachine()
        try machine.write("proc/meminfo", "MemTotal: \(text)\nMemAvailable: \(text)")
        try machine.write("proc/self/status", "VmData: \(text)\nRssAnon: \(text)")
        #expect(machine.memory.promised == 0)
        #expect(machine.memory.limits.count == 1)
        #expect(machine.memory.tightest.map { $0.available > 0 } == true)
    }

    @Test("a limit below the memory in use leaves nothing")
    func nothingLeft() throws {
        let machine = try SystemCopy.virtualMachine()
        try machine.write("proc/self/cgroup", "0::/")
        try machine.write("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw")
        try machine.write("sys/fs/cgroup/memory.max", "1000")
        #expect(machine.memory.tightest?.available == 0)
    }
}
