import Foundation

/// A failed operating system call.
///
/// ```swift
/// do {
///     try trainer.exportPolicy(to: "/media/robot/policies/pick-cup")
/// } catch let error as FileSystemError {
///     print(error)  // ends with the reason, such as "No space left on device"
/// }
/// ```
public struct FileSystemError: Error, Equatable, CustomStringConvertible {
    /// The attempted operation, as a verb: "write".
    package let operation: String
    /// The path of the operation.
    package let path: String
    /// The error code of the operating system (`errno`).
    package let code: Int32
    /// The state of the file after the failure, or a remedy.
    package let hint: String?

    /// Creates an error for a failed call.
    package init(operation: String, path: String, code: Int32, hint: String? = nil) {
        self.operation = operation
        self.path = path
        self.code = code
        self.hint = hint
    }

    /// Creates an error for a failed call, with the code in `errno`.
    package static func last(_ operation: String, _ path: String, hint: String? = nil) -> FileSystemError {
        FileSystemError(operation: operation, path: path, code: errno, hint: hint)
    }

    /// One line with the operation, the path and the reason.
    public var description: String {
        "cannot \(operation) \(path): \(String(cString: strerror(code)))" + (hint.map { "; \($0)" } ?? "")
    }
}
