import Foundation
import TestSupport

@testable import DPBase

/// Copies of the files in which Linux describes the computer.
struct SystemCopy {
    private let folder: TemporaryFolder

    init(_ files: [String: String] = [:]) throws {
        folder = try TemporaryFolder()
        for (path, text) in files { try write(path, text) }
    }

    var files: SystemFiles { SystemFiles(root: folder.url.path) }
    var processors: Processors { Processors(files) }
    var memory: AvailableMemory { AvailableMemory(files) }

    func write(_ path: String, _ text: String) throws {
        let place = folder.url.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data((text + "\n").utf8).write(to: place)
    }

    func writeProcessor(_ number: Int, _ facts: [String: String]) throws {
        for (name, text) in facts { try write("sys/devices/system/cpu/cpu\(number)/\(name)", text) }
    }

    /// Returns the status of a process that may run on some processors and uses little memory.
    static func status(allowed: String) -> String {
        """
        Name:\tdpolicy
        VmSize:\t  200000 kB
        RssAnon:\t   20480 kB
        VmData:\t   40960 kB
        VmSwap:\t       0 kB
        Threads:\t4
        Cpus_allowed:\tf
        Cpus_allowed_list:\t\(allowed)
        """
    }

    static let meminfo = """
        MemTotal:       16384000 kB
        MemFree:         1024000 kB
        MemAvailable:    8192000 kB
        Buffers:          102400 kB
        HugePages_Total:       0
        """

    // MARK: - Computers

    /// Returns a desktop with eight performance cores of two hyper-threads and sixteen efficiency cores.
    static func hybridDesktop() throws -> SystemCopy {
        let copy = try SystemCopy([
            "sys/devices/system/cpu/online": "0-31", "proc/self/status": status(allowed: "0-31"),
            "proc/meminfo": meminfo,
            "sys/devices/cpu_core/cpus": "0-15", "sys/devices/cpu_atom/cpus": "16-31",
        ])
        for number in 0..<32 {
            let first = number / 2 * 2
            let isFavored = (8..<12).contains(number)
            try copy.writeProcessor(
                number,
                [
                    "topology/core_cpus_list": number < 16 ? "\(first)-\(first + 1)" : "\(number)",
                    "cpufreq/cpuinfo_max_freq": number >= 16 ? "4300000" : isFavored ? "5800000" : "5500000",
                ])
        }
        return copy
    }

    /// Returns a laptop with two performance cores and eight efficiency cores.
    static func hybridLaptop() throws -> SystemCopy {
        let copy = try SystemCopy([
            "sys/devices/system/cpu/online": "0-11", "sys/devices/cpu_core/cpus": "0-3",
            "sys/devices/cpu_atom/cpus": "4-11",
        ])
        for number in 0..<12 {
            try copy.writeProcessor(
                number,
                [
                    "topology/core_cpus_list": number < 4 ? "\(number / 2 * 2)-\(number / 2 * 2 + 1)" : "\(number)",
                    "cpufreq/cpuinfo_max_freq": number < 4 ? "4400000" : "3300000",
                ])
        }
        return copy
    }

    /// Returns Arm cores whose capacities the kernel reports.
    static func arm(capacities: [Int]) throws -> SystemCopy {
        let copy = try SystemCopy(["sys/devices/system/cpu/online": "0-\(capacities.count - 1)"])
        for (number, capacity) in capacities.enumerated() {
            try copy.writeProcessor(
                number, ["topology/core_cpus_list": "\(number)", "cpu_capacity": "\(capacity)"])
        }
        return copy
    }

    /// Returns a server with an older kernel and two sockets of sixteen cores, whose hyper-threads are numbered
    /// after all cores.
    static func server() throws -> SystemCopy {
        let copy = try SystemCopy([
            "sys/devices/system/cpu/online": "0-63", "proc/self/status": status(allowed: "0-63"),
            "proc/meminfo": meminfo,
        ])
        for number in 0..<64 {
            try copy.writeProcessor(
                number,
                [
                    "topology/thread_siblings_list": "\(number % 32),\(number % 32 + 32)",
                    "cpufreq/cpuinfo_max_freq": "3900000",
                ])
        }
        return copy
    }

    /// Returns a virtual machine with two processors whose clocks are unknown.
    static func virtualMachine() throws -> SystemCopy {
        let copy = try SystemCopy([
            "sys/devices/system/cpu/online": "0-1", "proc/self/status": status(allowed: "0-1"), "proc/meminfo": meminfo,
        ])
        for number in 0..<2 { try copy.writeProcessor(number, ["topology/core_cpus_list": "\(number)"]) }
        return copy
    }
}
