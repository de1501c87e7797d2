import DPBase
import Foundation

/// The shipped policy, in `Policies/pusht` of the project folder or of `share/dpolicy` when installed.
enum ShippedPolicy {
    private static let path = "Policies/pusht"
    private static let installedPath = "share/dpolicy/\(path)"

    /// Finds the policy in the folders above the executable, then in the folders above the working directory.
    /// - Throws: `InputError` when none of them contains it.
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
        throw InputError(
            at: path, expected: "the shipped policy",
            found: "none above \(workingDirectory.path)",
            hint: "pass --policy DIR, or run dpolicy inside the project folder")
    }
}
