/// The control groups of this process, which limit containers and services.
///
/// `/proc/self/cgroup` lists the groups, and `/proc/self/mountinfo` the folders of their files. Version 1 has a
/// separate hierarchy for each controller, version 2 has one for all; a system may have both.
struct ControlGroups {
    private let memberships: [Membership]
    private let mounts: [Mount]

    init(_ files: SystemFiles) {
        memberships = files.lines("/proc/self/cgroup").compactMap { Membership($0) }
        mounts = files.lines("/proc/self/mountinfo").compactMap { Mount($0) }
    }

    /// Returns the folders of the version 1 groups that a controller limits, from the process's own group to the
    /// outermost visible group.
    func folders(version1 controller: Substring) -> [String] {
        let membership = memberships.first { $0.controllers.contains(controller) }
        return folders(of: membership, in: mounts.filter { $0.type == "cgroup" && $0.options.contains(controller) })
    }

    /// The folders of the version 2 groups, from the process's own group to the outermost visible group.
    var foldersOfVersion2: [String] {
        folders(of: memberships.first { $0.isVersion2 }, in: mounts.filter { $0.type == "cgroup2" })
    }

    private func folders(of membership: Membership?, in mounts: [Mount]) -> [String] {
        guard let membership, let fallback = mounts.first else { return [] }
        for mount in mounts {
            if let folders = mount.folders(of: membership.group) { return folders }
        }
        // The group's name belongs to another namespace than the mount; the mounted folder is the closest match.
        return [fallback.folder]
    }
}

/// A line of `/proc/self/cgroup`: `4:memory:/services/robot`, or `0::/services/robot` for version 2.
private struct Membership {
    let controllers: [Substring]
    let group: [Substring]
    let isVersion2: Bool

    init?(_ line: Substring) {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2].hasPrefix("/") else { return nil }
        controllers = parts[1].split(separator: ",")
        group = parts[2].split(separator: "/")
        isVersion2 = parts[0] == "0" && parts[1].isEmpty
    }
}

/// A line of `/proc/self/mountinfo` for a mount of control groups.
private struct Mount {
    let type: Substring
    /// Version 1 lists its controllers here.
    let options: [Substring]
    /// The group at the mounted folder.
    let group: [Substring]
    let folder: String

    init?(_ line: Substring) {
        let fields = line.split(separator: " ")
        guard let dash = fields.firstIndex(of: "-"), dash >= 6, dash + 3 < fields.count,
            fields[dash + 1].hasPrefix("cgroup"), fields[4].hasPrefix("/")
        else { return nil }
        type = fields[dash + 1]
        options = fields[dash + 3].split(separator: ",")
        group = fields[3].split(separator: "/")
        folder = Self.unescaped(fields[4])
    }

    /// Returns the folders of a group and its ancestors, innermost first; nil if the mount does not contain the
    /// group.
    func folders(of other: [Substring]) -> [String]? {
        guard other.starts(with: group) else { return nil }
        let inner = other.dropFirst(group.count)
        guard !inner.contains("..") else { return nil }
        return (0...inner.count).reversed().map { depth in
            ([folder] + inner.prefix(depth).map(String.init)).joined(separator: "/")
        }
    }

    /// Decodes the kernel's escapes for spaces, tabs, line feeds and backslashes: a backslash and three octal
    /// digits.
    private static func unescaped(_ text: Substring) -> String {
        let parts = text.split(separator: "\\", omittingEmptySubsequences: false)
        return parts.dropFirst().reduce(String(parts[0])) { result, part in
            guard part.count >= 3, let code = UInt8(part.prefix(3), radix: 8) else { return result + "\\" + part }
            return result + String(UnicodeScalar(code)) + part.dropFirst(3)
        }
    }
}
