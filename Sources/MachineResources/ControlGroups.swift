/// The control groups that this process is in, by which containers and services are limited.
///
/// `/proc/self/cgroup` says which groups they are, `/proc/self/mountinfo` in which folders their files lie. Version 1
/// has a hierarchy of its own for each controller, version 2 one for all; a system may have both.
struct ControlGroups {
    private let memberships: [Membership]
    private let mounts: [Mount]

    init(_ files: SystemFiles) {
        memberships = files.lines("/proc/self/cgroup").compactMap { Membership($0) }
        mounts = files.lines("/proc/self/mountinfo").compactMap { Mount($0) }
    }

    /// The folders of the groups of version 1 that a controller limits, from the process's own to the outermost that
    /// can be seen.
    func folders(version1 controller: Substring) -> [String] {
        let membership = memberships.first { $0.controllers.contains(controller) }
        return folders(of: membership, in: mounts.filter { $0.type == "cgroup" && $0.options.contains(controller) })
    }

    /// The folders of the groups of version 2, from the process's own to the outermost that can be seen.
    var foldersOfVersion2: [String] {
        folders(of: memberships.first { $0.isVersion2 }, in: mounts.filter { $0.type == "cgroup2" })
    }

    private func folders(of membership: Membership?, in mounts: [Mount]) -> [String] {
        guard let membership, let fallback = mounts.first else { return [] }
        for mount in mounts {
            if let folders = mount.folders(of: membership.group) { return folders }
        }
        // The group's name is of another namespace than the mount: what is mounted is as near as one can see.
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

/// A line of `/proc/self/mountinfo` that shows control groups.
private struct Mount {
    let type: Substring
    /// Version 1 names its controllers here.
    let options: [Substring]
    /// The group that is seen at the folder.
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

    /// The folders of a group and of those around it, the inmost first; nil if the group is not seen here.
    func folders(of other: [Substring]) -> [String]? {
        guard other.starts(with: group) else { return nil }
        let inner = other.dropFirst(group.count)
        guard !inner.contains("..") else { return nil }
        return (0...inner.count).reversed().map { depth in
            ([folder] + inner.prefix(depth).map(String.init)).joined(separator: "/")
        }
    }

    /// Undoes the kernel's way to write spaces, tabs, line feeds and backslashes: a backslash and three octal digits.
    private static func unescaped(_ text: Substring) -> String {
        let parts = text.split(separator: "\\", omittingEmptySubsequences: false)
        return parts.dropFirst().reduce(String(parts[0])) { result, part in
            guard part.count >= 3, let code = UInt8(part.prefix(3), radix: 8) else { return result + "\\" + part }
            return result + String(UnicodeScalar(code)) + part.dropFirst(3)
        }
    }
}
