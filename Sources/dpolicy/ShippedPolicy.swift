import Foundation

/// The policy that ships with the project, in `Policies/pusht` of its folder.
enum ShippedPolicy {
    private static let path = "Policies/pusht"

    /// Finds it in the folders above the executable, then in those above the working directory.
    /// - Throws: `CommandError` when it is in none of them.
    static func locate() throws -> URL {
        let executable = Bundle.main.executableURL?.resolvingSymlinksInPath()
        let workingDirectory = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        for start in [executable, workingDirectory].compactMap({ $0 }) {
            var folder = start.standardizedFileURL
            while folder.path != "/" {
                let policy = folder.appendingPathComponent(path)
                if FileManager.default.fileExists(atPath: policy.appendingPathComponent("policy.json").path) {
                    return policy
                }
                folder.deleteLastPathComponent()
            }
        }
        throw CommandError(
            place: path, expected: "the policy that ships with the project",
            found: "none above \(workingDirectory.path)",
            hint: "name one with --policy DIR, or run dpolicy inside of the project's folder")
    }
}
