import Foundation

/// The policy that ships with the project, in `Policies/pusht` of its folder or of `share/dpolicy` where it is installed.
enum ShippedPolicy {
    private static let path = "Policies/pusht"
    private static let installedPath = "share/dpolicy/\(path)"

    /// Finds it in the folders above the executable, then in those above the working directory.
    /// - Throws: `CommandError` when it is in none of them.
    static func locate() throws -> URL {
        let executable = Bundle.main.executableURL?.resolvingSymlinksInPath()
        let workingDirectory = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        for start in [executable, workingDirectory].compactMap({ $0 }) {
            var folder = start.standardizedFileURL
            while folder.path != "/" {
                for policy in [path, installedPath].map(folder.appendingPathComponent) {
                    let document = policy.appendingPathComponent("policy.json")
                    if FileManager.default.fileExists(atPath: document.path) { return policy }
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
