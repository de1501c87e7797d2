import DPBase
import DPCPU
import DPGraph
import Foundation

/// The hardware of this machine, the limits of this process, and the chosen settings.
struct MachineDescription: Encodable {
    /// Cores of about the same speed.
    struct Kind: Encodable {
        let cores: Int
        let processors: String
        /// Relative to the fastest core.
        let speed: Double
    }

    /// A memory limit, in bytes.
    struct MemoryLimit: Encodable {
        let name: String
        let limit: Int
        let available: Int
    }

    let processor: String
    /// Lists of processors, such as `0-3,8`.
    let online: String
    let affinity: String?
    let controlGroup: String?
    let usable: String
    let kinds: [Kind]
    /// Seconds of processor time per second, and the file that sets the quota.
    let quota: Double?
    let quotaFile: String?
    let threads: Int
    let threadsReason: String
    let memory: [MemoryLimit]
    /// Bytes that this process can still allocate.
    let availableMemory: Int?
    let instructions: InstructionSet
    let instructionsOfProcessor: InstructionSet
    /// The value of `DPOLICY_INSTRUCTIONS`, if it is set.
    let instructionsCap: String?
    let precision: Precision
    let library: String

    enum CodingKeys: String, CodingKey {
        case processor
        case online
        case affinity
        case controlGroup = "cpuset"
        case usable
        case kinds
        case quota
        case quotaFile = "quota_file"
        case threads
        case threadsReason = "threads_reason"
        case memory
        case availableMemory = "available_memory"
        case instructions
        case instructionsOfProcessor = "processor_instructions"
        case instructionsCap = "instructions_cap"
        case precision
        case library
    }

    /// - Parameters:
    ///   - machine: the machine with the chosen settings.
    ///   - threads: the requested number of threads; nil if none was requested.
    init(of machine: CPUBackend, threads: Int?) {
        let (processors, memory) = (Processors(), AvailableMemory())
        processor = ProcessorName.name
        online = "\(processors.online)"
        affinity = processors.affinity?.description
        controlGroup = processors.controlGroup?.description
        usable = "\(processors.usable)"
        kinds = processors.kinds.map { Kind(cores: $0.cores, processors: "\($0.processors)", speed: $0.speed) }
        quota = processors.quota?.processors
        quotaFile = processors.quota?.file
        self.threads = machine.threads
        threadsReason = threads == nil ? processors.reason.rawValue : "--threads"
        self.memory = memory.limits.map { MemoryLimit(name: $0.name, limit: $0.byteCount, available: $0.available) }
        availableMemory = memory.tightest?.available
        instructions = machine.instructions
        instructionsOfProcessor = .ofProcessor
        instructionsCap = ProcessInfo.processInfo.environment[InstructionSet.variable]
        precision = machine.precision
        library = CPUBackend.library
    }
}

extension MachineDescription: CustomStringConvertible {
    /// A readable description, one property per line.
    var description: String {
        var lines = [
            "processor     \(processor)",
            "online        \(online)",
            "affinity      \(affinity ?? "unknown")",
            "cpuset        \(controlGroup ?? "none")",
            "quota         " + (quota.map { String(format: "%.2f processors by ", $0) + (quotaFile ?? "") } ?? "none"),
            "usable        \(usable)",
        ]
        lines += kinds.map { kind in
            "cores         \(kind.cores), processors \(kind.processors)"
                + (kind.speed < 1 ? String(format: ", speed %.2f of the fastest", kind.speed) : "")
        }
        lines.append("threads       \(threads), by \(threadsReason)")
        lines += memory.map { limit in
            "memory        \(gibibytes(limit.available)) available of \(gibibytes(limit.limit)): \(limit.name)"
        }
        lines += [
            "instructions  \(instructions.rawValue), the processor has \(instructionsOfProcessor.rawValue), "
                + "\(InstructionSet.variable) is \(instructionsCap ?? "not set")",
            "precision     \(precision)",
            "products      \(library)",
        ]
        return lines.joined(separator: "\n")
    }

    private func gibibytes(_ byteCount: Int) -> String { String(format: "%.2f GiB", Double(byteCount) / 1_073_741_824) }
}
