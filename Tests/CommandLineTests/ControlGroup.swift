import Foundation
import TestSupport

/// A control group for a test, with a quota of one processor and a limit of 1 GiB; removed with this object.
final class ControlGroup {
    private let folders: [URL]

    /// Creates a group; nil without superuser rights or in a container that forbids it.
    init?() {
        let name = "dpolicy-test-\(UUID().uuidString)"
        let root = URL(fileURLWithPath: "/sys/fs/cgroup")
        let controllers =
            (try? String(contentsOf: root.appendingPathComponent("cgroup.subtree_control"), encoding: .utf8)) ?? ""
        let settings: [(folder: URL, file: String, text: String)]
        if controllers.contains("cpu") && controllers.contains("memory") {
            let group = root.appendingPathComponent(name)
            settings = [(group, "cpu.max", "100000 100000"), (group, "memory.max", "1073741824")]
        } else {
            let (cpu, memory) = (
                root.appendingPathComponent("cpu/\(name)"), root.appendingPathComponent("memory/\(name)")
            )
            settings = [
                (cpu, "cpu.cfs_period_us", "100000"), (cpu, "cpu.cfs_quota_us", "100000"),
                (memory, "memory.limit_in_bytes", "1073741824"),
            ]
        }
        folders = Set(settings.map(\.folder)).sorted { $0.path < $1.path }
        do {
            for folder in folders {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            }
            for (folder, file, text) in settings { try Self.write(text, to: folder.appendingPathComponent(file)) }
        } catch {
            remove()
            return nil
        }
    }

    /// Whether this machine allows creating a group.
    static let canBeMade = ControlGroup() != nil

    deinit { remove() }

    /// Removes the groups.
    ///
    /// `rmdir` removes a group although its folder lists files.
    private func remove() { for folder in folders { rmdir(folder.path) } }

    private static func write(_ text: String, to file: URL) throws {
        let handle = try FileHandle(forWritingTo: file)
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    /// Runs a command in the group and waits for it.
    func run(_ arguments: String...) throws -> CommandLineRun.Outcome {
        let entering = folders.map { "echo $$ > \($0.path)/cgroup.procs" }.joined(separator: " && ")
        return try CommandLineRun(
            ["-c", "\(entering) && exec \"$@\"", "sh", CommandLineRun.executable.path] + arguments,
            executable: URL(fileURLWithPath: "/bin/sh")
        ).wait()
    }
}
