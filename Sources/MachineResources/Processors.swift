internal import Foundation

/// The processors that this process may use, and how many threads suit them.
///
/// The threads of a team share each piece of work equally and wait for the slowest. So the rule is:
///
/// 1. The processors are those that are online, in the process's affinity mask and in the `cpuset` of its control
///    group.
/// 2. One thread for each core: hyper-threads of a core share its vector units.
/// 3. Only cores of the fastest kind, see `CoreKind`. The next slower kind is added if all cores together, each at the
///    pace of the slowest, then do at least half as much again.
/// 4. No more than the CPU quota of the control groups, rounded down but at least one: the kernel stops a group that
///    has used its quota up, and a team waits for each thread that is stopped.
public struct Processors: Sendable, Equatable {
    /// A limit on processor time.
    public struct Quota: Sendable, Equatable {
        /// Seconds of processor time a second.
        public let processors: Double
        /// The file that says so.
        public let file: String
    }

    /// What decided the number of threads.
    public enum Reason: String, Sendable, Equatable {
        /// Each core that may be used has a thread.
        case cores
        /// Slower cores have none.
        case fastestCores = "fastest cores"
        /// The quota allows fewer than there are cores.
        case quota
    }

    /// Those that are switched on.
    public let online: ProcessorSet
    /// The process's affinity mask; nil if unknown.
    public let affinity: ProcessorSet?
    /// The processors of the control group; nil if it says nothing.
    public let controlGroup: ProcessorSet?
    /// The tightest limit on processor time; nil without one.
    public let quota: Quota?
    /// Those that the process may use.
    public let usable: ProcessorSet
    /// The kinds of cores that these belong to, the fastest first.
    public let kinds: [CoreKind]
    /// How many threads to compute with.
    public let threads: Int
    /// What decided that.
    public let reason: Reason

    /// Finds out.
    /// - Parameter files: where the system says it.
    public init(_ files: SystemFiles = SystemFiles()) {
        let groups = ControlGroups(files)
        affinity = files.facts("/proc/self/status")["Cpus_allowed_list"].flatMap { ProcessorSet(String($0)) }
        controlGroup = Self.processors(of: groups, in: files)
        online =
            files.processors("/sys/devices/system/cpu/online") ?? affinity
            ?? ProcessorSet(0..<max(1, ProcessInfo.processInfo.activeProcessorCount))
        usable = online.limited(to: affinity).limited(to: controlGroup)
        kinds = CoreKind.kinds(of: usable, in: files)
        quota = Self.quota(of: groups, in: files)

        let cores = Self.cores(of: kinds)
        let allowed = quota.map { Int(min($0.processors, Double(cores))) } ?? cores
        threads = max(1, min(cores, allowed))
        reason = threads < cores ? .quota : cores < kinds.reduce(0) { $0 + $1.cores } ? .fastestCores : .cores
    }

    /// The cores that are used, by the rule above.
    static func cores(of kinds: [CoreKind]) -> Int {
        var (cores, work, all) = (0, 0.0, 0)
        for kind in kinds {
            all += kind.cores
            let together = Double(all) * kind.speed
            if together >= 1.5 * work { (cores, work) = (all, together) }
        }
        return max(1, cores)
    }

    /// The processors of the inmost group that names some.
    private static func processors(of groups: ControlGroups, in files: SystemFiles) -> ProcessorSet? {
        let version1 = groups.folders(version1: "cpuset").flatMap {
            ["\($0)/cpuset.effective_cpus", "\($0)/cpuset.cpus"]
        }
        let version2 = groups.foldersOfVersion2.map { "\($0)/cpuset.cpus.effective" }
        return (version1 + version2).lazy.compactMap(files.processors).first
    }

    /// The smallest quota of the groups around the process.
    private static func quota(of groups: ControlGroups, in files: SystemFiles) -> Quota? {
        let version1 = groups.folders(version1: "cpu").compactMap { folder in
            ratio(
                files.integer("\(folder)/cpu.cfs_quota_us"), files.integer("\(folder)/cpu.cfs_period_us"),
                file: "\(folder)/cpu.cfs_quota_us")
        }
        let version2 = groups.foldersOfVersion2.compactMap { folder in
            let parts = files.text("\(folder)/cpu.max")?.split(separator: " ").map { Int($0) } ?? []
            return parts.count == 2 ? ratio(parts[0], parts[1], file: "\(folder)/cpu.max") : nil
        }
        return (version1 + version2).min { $0.processors < $1.processors }
    }

    private static func ratio(_ quota: Int?, _ period: Int?, file: String) -> Quota? {
        guard let quota, let period, quota > 0, period > 0 else { return nil }
        return Quota(processors: Double(quota) / Double(period), file: file)
    }
}
