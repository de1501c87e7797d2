internal import Foundation

/// The memory that is currently available to this process.
///
/// Linux commits more memory than exists and ends a process that uses too much, so large requests are checked
/// beforehand.
package struct AvailableMemory: Sendable, Equatable {
    /// A limit on memory.
    package struct Limit: Sendable, Equatable {
        /// The name: `memory of this computer`, or the file of a control group.
        package let name: String
        /// The limit in bytes.
        package let byteCount: Int
        /// The number of bytes still available to the process; never below 0.
        package let available: Int
    }

    /// All known limits.
    package let limits: [Limit]
    /// Bytes that are reserved for the process but not used yet; no limit counts them as available.
    package let promised: Int

    /// Reads the limits.
    /// - Parameter files: the system files to read.
    package init(_ files: SystemFiles = SystemFiles()) {
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
        // These limits count reserved memory as used.
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

    /// The limit with the least available memory.
    package var tightest: Limit? { limits.min { $0.available < $1.available } }

    /// Checks that a request fits.
    /// - Throws: `OutOfMemory`.
    package func check(_ byteCount: Int) throws(OutOfMemory) {
        guard let tightest, byteCount > tightest.available else { return }
        throw OutOfMemory(byteCount: byteCount, limit: tightest)
    }

    /// Checks that a request fits into the currently available memory.
    ///
    /// Requests below 16 MiB always pass, because reading the limits takes a fraction of a millisecond.
    /// - Throws: `OutOfMemory`.
    package static func check(_ byteCount: Int) throws(OutOfMemory) {
        guard byteCount >= 16 << 20 else { return }
        try AvailableMemory().check(byteCount)
    }

    /// Checks that `count` elements of a type fit into the currently available memory.
    /// - Throws: `OutOfMemory`.
    package static func check<Element>(_ count: Int, of type: Element.Type) throws(OutOfMemory) {
        let (byteCount, isTooLarge) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        try check(isTooLarge ? .max : byteCount)
    }
}

// MARK: - Files

extension AvailableMemory {
    /// The memory limit of a control group.
    private struct Group {
        let file: String
        let byteCount: Int
        /// Nil if unknown.
        let used: Int?
        /// Memory that the kernel reclaims before it ends a process: cached files that no process has mapped.
        let reclaimable: Int
    }

    /// Returns the limits of the control groups that contain the process.
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

    /// Returns the soft limit in a line such as `Max data size   unlimited   unlimited   bytes`.
    private static func resourceLimit(_ name: String, _ files: SystemFiles) -> Int? {
        let line = files.lines("/proc/self/limits").first { $0.hasPrefix(name) }
        return line?.dropFirst(name.count).split(separator: " ").first.flatMap { bytes($0) }
    }

    /// Parses a number of bytes; nil for `max`, `unlimited`, and impossibly large numbers, which mean "no limit" in
    /// version 1 of control groups.
    private static func bytes(_ text: (some StringProtocol)?) -> Int? {
        text.flatMap { Int($0) }.flatMap { (0..<1 << 60).contains($0) ? $0 : nil }
    }

    private static let computer = "memory of this computer"
}
