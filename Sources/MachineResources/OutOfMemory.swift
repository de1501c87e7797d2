internal import Foundation

/// A request for more memory than this process can have.
public struct OutOfMemory: Error, Equatable, CustomStringConvertible {
    /// How many bytes were asked for.
    public let byteCount: Int
    /// The limit that leaves fewer; nil if the operating system refused.
    public let limit: AvailableMemory.Limit?

    /// A request that was refused.
    public init(byteCount: Int, limit: AvailableMemory.Limit? = nil) {
        self.byteCount = byteCount
        self.limit = limit
    }

    /// One line: what was asked for, what there is, what limits it, what to do.
    public var description: String {
        let found = limit.map {
            "found \(mebibytes($0.available)) of the \(mebibytes($0.byteCount)) of \($0.name)"
        }
        return """
            memory: expected room for \(mebibytes(byteCount)), \(found ?? "which the system refuses"); use a smaller \
            batch, network or dataset, or allow more memory
            """
    }
}

/// A number of bytes for people: `1024.0 MiB`.
private func mebibytes(_ byteCount: Int) -> String { String(format: "%.1f MiB", Double(byteCount) / 1_048_576) }
