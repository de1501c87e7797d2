import Foundation

/// Standard error, for progress and messages.
enum StandardError {
    /// Writes text immediately.
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            // There is nowhere to report a failure.
            _ = Foundation.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }

    /// Whether standard error is a terminal.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
