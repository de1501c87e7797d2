internal import Foundation

/// An error for a request for more memory than is available to this process.
///
/// ```swift
/// do {
///     let demonstrations = try InMemoryDataset(contentsOf: "Demonstrations/pick-cup.zarr", for: recipe)
///     print(demonstrations.episodes.count, "episodes")
/// } catch let error as OutOfMemory {
///     print(error)  // the requested and the available memory, and the limit that applies
/// }
/// ```
public struct OutOfMemory: Error, Equatable, CustomStringConvertible {
    /// The requested number of bytes.
    package let byteCount: Int
    /// The exceeded limit; nil if the operating system refused the request.
    package let limit: AvailableMemory.Limit?

    /// Creates an error for a refused request.
    package init(byteCount: Int, limit: AvailableMemory.Limit? = nil) {
        self.byteCount = byteCount
        self.limit = limit
    }

    /// One line with the request, the available memory, the limit and a hint.
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

/// Returns a readable number of bytes: `1024.0 MiB`.
private func mebibytes(_ byteCount: Int) -> String { String(format: "%.1f MiB", Double(byteCount) / 1_048_576) }
