public import Foundation

/// An empty folder that goes away with this value.
public final class TemporaryFolder {
    /// Where it is.
    public let url: URL

    /// Makes a folder of a name of its own.
    public init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("dpolicy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The place of a file or folder in it.
    public func callAsFunction(_ name: String) -> URL { url.appendingPathComponent(name) }

    /// The names in it, hidden ones too, in order.
    public var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted() }
}

/// What an operation throws, as its one line of text; empty if it throws nothing.
public func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        return "\(error)"
    }
}
