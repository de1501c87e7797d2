import Testing

@testable import DPBase

@Suite("Processors")
struct ProcessorsTests {
    @Test("lists of processors are read as the kernel writes them")
    func lists() {
        #expect(ProcessorSet("0-3,8")?.numbers == [0, 1, 2, 3, 8])
        #expect(ProcessorSet("5")?.description == "5")
        #expect(ProcessorSet("8,0-2,3")?.description == "0-3,8")
    }

    @Test(
        "any other text is invalid",
        arguments: ["", "max", "-1", "3-1", "0-", "0,,2", "a-b", "0-99999999999", "1 2", "0x3"])
    func malformed(_ text: String) { #expect(ProcessorSet(text) == nil) }

    @Test("hyper-threads count as one core; performance cores do not wait for efficiency cores")
    func hybridDesktop() throws {
        let processors = try SystemCopy.hybridDesktop().processors
        #expect(processors.kinds.map(\.cores) == [8, 16])
        #expect(processors.kinds.map(\.processors.description) == ["0-15", "16-31"])
        #expect(processors.threads == 8)
        #expect(processors.reason == .fastestCores)
    }

    @Test("many efficiency cores outweigh two performance cores")
    func hybridLaptop() throws {
        let processors = try SystemCopy.hybridLaptop().processors
        #expect(processors.kinds.map(\.cores) == [2, 8])
        #expect(processors.threads == 10)
        #expect(processors.reason == .cores)
    }

    @Test(
        "big cores do not wait for little ones, unless there are few of them",
        arguments: [
            ([446, 446, 446, 446, 1024, 1024, 1024, 1024], 4), ([512, 512, 512, 512, 512, 512, 1024, 1024], 8),
            ([250, 250, 250, 250, 866, 866, 866, 1024], 4), ([1024, 1024, 1024, 1024], 4),
        ])
    func arm(_ capacities: [Int], threads: Int) throws {
        #expect(try SystemCopy.arm(capacities: capacities).processors.threads == threads)
    }

    @Test("both sockets of a server, each core once")
    func server() throws {
        let processors = try SystemCopy.server().processors
        #expect(processors.kinds.map(\.cores) == [32])
        #expect(processors.usable.count == 64)
        #expect(processors.threads == 32)
    }

    @Test("a virtual machine's processors are cores")
    func virtualMachine() throws {
        let processors = try SystemCopy.virtualMachine().processors
        #expect(processors.threads == 2)
        #expect(processors.reason == .cores)
        #expect(processors.quota == nil)
    }

    @Test("affinity mask applies", arguments: [("0-3", 4), ("0,32", 1), ("16-17,48", 2), ("", 32), ("rubbish", 32)])
    func affinity(_ list: String, threads: Int) throws {
        let server = try SystemCopy.server()
        try server.write("proc/self/status", SystemCopy.status(allowed: list))
        #expect(server.processors.threads == threads)
    }

    @Test("a mask of efficiency cores alone uses those")
    func efficiencyCores() throws {
        let desktop = try SystemCopy.hybridDesktop()
        try desktop.write("proc/self/status", SystemCopy.status(allowed: "16-19"))
        #expect(desktop.processors.threads == 4)
        #expect(desktop.processors.kinds.map(\.speed) == [1])
    }

    @Test("processors that are switched off do not count")
    func offline() throws {
        let server = try SystemCopy.server()
        try server.write("sys/devices/system/cpu/online", "0-7")
        #expect(server.processors.threads == 8)
    }

    @Test("without system files there is at least one thread")
    func nothing() throws {
        let processors = try SystemCopy().processors
        #expect(processors.threads >= 1)
        #expect(processors.affinity == nil)
    }

    @Test("invalid text in the files of /sys is ignored", arguments: ["", "max", "-1", "7", "0-99999999999"])
    func rubbish(_ text: String) throws {
        let machine = try SystemCopy.virtualMachine()
        for number in 0..<2 {
            try machine.writeProcessor(
                number,
                [
                    "topology/core_cpus_list": text, "cpu_capacity": text, "cpufreq/cpuinfo_max_freq": "-\(text)",
                ])
        }
        #expect(machine.processors.threads == 2)
        try machine.write("sys/devices/system/cpu/online", text == "7" ? "" : text)
        #expect(machine.processors.threads == 2)
    }

    @Test("this machine")
    func here() {
        let processors = Processors()
        #expect((1...processors.usable.count).contains(processors.threads))
        #expect(processors.usable.numbers.allSatisfy(processors.online.numbers.contains))
    }
}
