package import Foundation

/// An empty folder that is deleted together with this value.
package final class TemporaryFolder {
    /// The location of the folder.
    package let url: URL

    /// Creates a folder with a unique name.
    package init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("dpolicy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Returns the location of a file or folder in it.
    package func callAsFunction(_ name: String) -> URL { url.appendingPathComponent(name) }

    /// The names in it, including hidden ones, in order.
    package var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted() }
}

/// Returns the one-line message of the error that an operation throws; empty if it throws nothing.
package func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        return "\(error)"
    }
}
