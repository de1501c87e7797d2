internal import Foundation

/// The processors that this process may use, and a suitable number of threads.
///
/// The threads of a team divide each piece of work equally and wait for the slowest. The rule is:
///
/// 1. The usable processors are online, in the process's affinity mask and in the `cpuset` of its control group.
/// 2. One thread per core: hyper-threads of a core use the same vector units.
/// 3. Only cores of the fastest kind, see `CoreKind`. The next slower kind is added if all cores together, each at
///    the pace of the slowest, then do at least 1.5 times as much work.
/// 4. At most the CPU quota of the control groups, rounded down but at least one: the kernel stops a group that has
///    used up its quota, and a team waits for each stopped thread.
package struct Processors: Sendable, Equatable {
    /// A limit on processor time.
    package struct Quota: Sendable, Equatable {
        /// Seconds of processor time per second.
        package let processors: Double
        /// The file that sets the quota.
        package let file: String
    }

    /// What determined the number of threads.
    package enum Reason: String, Sendable, Equatable {
        /// Each usable core has a thread.
        case cores
        /// Slower cores have no thread.
        case fastestCores = "fastest cores"
        /// The quota is lower than the number of cores.
        case quota
    }

    /// The online processors.
    package let online: ProcessorSet
    /// The process's affinity mask; nil if unknown.
    package let affinity: ProcessorSet?
    /// The processors of the control group; nil if it sets none.
    package let controlGroup: ProcessorSet?
    /// The tightest limit on processor time; nil without one.
    package let quota: Quota?
    /// The processors that the process may use.
    package let usable: ProcessorSet
    /// The kinds of cores that these belong to, fastest first.
    package let kinds: [CoreKind]
    /// The number of threads to compute with.
    package let threads: Int
    /// What determined the number of threads.
    package let reason: Reason

    /// Reads the processors and their limits.
    /// - Parameter files: the system files to read.
    package init(_ files: SystemFiles = SystemFiles()) {
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

    /// Returns the number of cores to use, by the rule above.
    static func cores(of kinds: [CoreKind]) -> Int {
        var (cores, work, all) = (0, 0.0, 0)
        for kind in kinds {
            all += kind.cores
            let together = Double(all) * kind.speed
            if together >= 1.5 * work { (cores, work) = (all, together) }
        }
        return max(1, cores)
    }

    /// Returns the processors of the innermost group that sets some.
    private static func processors(of groups: ControlGroups, in files: SystemFiles) -> ProcessorSet? {
        let version1 = groups.folders(version1: "cpuset").flatMap {
            ["\($0)/cpuset.effective_cpus", "\($0)/cpuset.cpus"]
        }
        let version2 = groups.foldersOfVersion2.map { "\($0)/cpuset.cpus.effective" }
        return (version1 + version2).lazy.compactMap(files.processors).first
    }

    /// Returns the smallest quota of the groups that contain the process.
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
