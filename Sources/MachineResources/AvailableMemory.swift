internal import Foundation

/// The memory that this process can still have at this moment.
///
/// Linux promises more memory than there is and ends a process that uses too much, so large requests are checked
/// beforehand.
public struct AvailableMemory: Sendable, Equatable {
    /// One thing that limits memory.
    public struct Limit: Sendable, Equatable {
        /// What it is: `memory of this computer`, or the file of a control group.
        public let name: String
        /// The limit in bytes.
        public let byteCount: Int
        /// How much the process can still have of it, in bytes; never below 0.
        public let available: Int
    }

    /// All limits that are known.
    public let limits: [Limit]
    /// Bytes that the process was given but has not used yet; no limit counts them as available.
    public let promised: Int

    /// Finds out.
    /// - Parameter files: where the system says it.
    public init(_ files: SystemFiles = SystemFiles()) {
        let process = files.facts("/proc/self/status")
        func ofProcess(_ name: Substring) -> Int { kernelBytes(process[name]) ?? 0 }
        let promised = max(0, ofProcess("VmData") - ofProcess("RssAnon") - ofProcess("VmSwap"))
        self.promised = promised

        func limit(_ name: String, _ byteCount: Int, free: Int) -> Limit {
            Limit(name: name, byteCount: byteCount, available: max(0, min(free, byteCount) - promised))
        }
        var limits: [Limit] = []
        let computer = files.facts("/proc/meminfo")
        if let total = kernelBytes(computer["MemTotal"]) {
            let free = kernelBytes(computer["MemAvailable"]) ?? kernelBytes(computer["MemFree"]) ?? total
            limits.append(limit(Self.computer, total, free: free))
        }
        for group in Self.groups(files) {
            let used = group.used ?? ofProcess("RssAnon")
            limits.append(limit(group.file, group.byteCount, free: group.byteCount - used + group.reclaimable))
        }
        // These count what was promised as used.
        for (name, used) in [("Max address space", "VmSize"), ("Max data size", "VmData")] {
            guard let bound = Self.resourceLimit(name, files) else { continue }
            limits.append(
                Limit(
                    name: "\(name.lowercased()) of /proc/self/limits", byteCount: bound,
                    available: max(0, bound - ofProcess(Substring(used)))))
        }
        if limits.isEmpty {
            let total = Int(clamping: ProcessInfo.processInfo.physicalMemory)
            limits.append(limit(Self.computer, total, free: total))
        }
        self.limits = limits
    }

    /// The limit that leaves the least.
    public var tightest: Limit? { limits.min { $0.available < $1.available } }

    /// Refuses a request that does not fit.
    /// - Throws: `OutOfMemory`.
    public func check(_ byteCount: Int) throws(OutOfMemory) {
        guard let tightest, byteCount > tightest.available else { return }
        throw OutOfMemory(byteCount: byteCount, limit: tightest)
    }

    /// Refuses a request for memory that does not fit now.
    ///
    /// Requests below 16 MiB always pass, because finding out takes a fraction of a millisecond.
    /// - Throws: `OutOfMemory`.
    public static func check(_ byteCount: Int) throws(OutOfMemory) {
        guard byteCount >= 16 << 20 else { return }
        try AvailableMemory().check(byteCount)
    }

    /// As above, for `count` elements of a type.
    /// - Throws: `OutOfMemory`.
    public static func check<Element>(_ count: Int, of type: Element.Type) throws(OutOfMemory) {
        let (byteCount, isTooLarge) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        try check(isTooLarge ? .max : byteCount)
    }
}

// MARK: - Files

extension AvailableMemory {
    /// The memory of a control group.
    private struct Group {
        let file: String
        let byteCount: Int
        /// Nil if unknown.
        let used: Int?
        /// What the kernel takes back before it ends a process: copies of files that nobody has mapped.
        let reclaimable: Int
    }

    /// The limits of the control groups around the process.
    private static func groups(_ files: SystemFiles) -> [Group] {
        func group(
            _ folder: String, limit: String, usage: String, active: Substring, inactive: Substring, mapped: Substring
        ) -> Group? {
            guard let byteCount = bytes(files.text("\(folder)/\(limit)")) else { return nil }
            let facts = files.facts("\(folder)/memory.stat").compactMapValues { bytes($0) }
            let copies = (facts[active] ?? 0) + (facts[inactive] ?? 0) - (facts[mapped] ?? 0)
            return Group(
                file: "\(folder)/\(limit)", byteCount: byteCount, used: bytes(files.text("\(folder)/\(usage)")),
                reclaimable: max(0, copies))
        }
        let groups = ControlGroups(files)
        let version1 = groups.folders(version1: "memory").compactMap {
            group(
                $0, limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", active: "total_active_file",
                inactive: "total_inactive_file", mapped: "total_mapped_file")
        }
        let version2 = groups.foldersOfVersion2.flatMap { folder in
            ["memory.max", "memory.high"].compactMap {
                group(
                    folder, limit: $0, usage: "memory.current", active: "active_file", inactive: "inactive_file",
                    mapped: "file_mapped")
            }
        }
        return version1 + version2
    }

    /// The soft limit of a line such as `Max data size   unlimited   unlimited   bytes`.
    private static func resourceLimit(_ name: String, _ files: SystemFiles) -> Int? {
        let line = files.lines("/proc/self/limits").first { $0.hasPrefix(name) }
        return line?.dropFirst(name.count).split(separator: " ").first.flatMap { bytes($0) }
    }

    /// A number of bytes; nil for `max`, `unlimited`, and for a number that no memory has, which is how version 1 of
    /// control groups says that there is no limit.
    private static func bytes(_ text: (some StringProtocol)?) -> Int? {
        text.flatMap { Int($0) }.flatMap { (0..<1 << 60).contains($0) ? $0 : nil }
    }

    private static let computer = "memory of this computer"
}
