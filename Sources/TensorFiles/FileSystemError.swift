import Foundation

/// A call to the operating system that failed.
public struct FileSystemError: Error, Equatable, CustomStringConvertible {
    /// What was attempted, as a verb: "write".
    public let operation: String
    /// The path it was attempted on.
    public let path: String
    /// The code of the operating system (`errno`).
    public let code: Int32
    /// What the failure means for the file, or what can be done about it.
    public let hint: String?

    /// A failed call.
    public init(operation: String, path: String, code: Int32, hint: String? = nil) {
        self.operation = operation
        self.path = path
        self.code = code
        self.hint = hint
    }

    /// A failed call, with the code that it left in `errno`.
    static func last(_ operation: String, _ path: String, hint: String? = nil) -> FileSystemError {
        FileSystemError(operation: operation, path: path, code: errno, hint: hint)
    }

    /// One line: what, where, why.
    public var description: String {
        "cannot \(operation) \(path): \(String(cString: strerror(code)))" + (hint.map { "; \($0)" } ?? "")
    }
}
