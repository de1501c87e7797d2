import Foundation

/// Where progress and messages go.
enum StandardError {
    /// Writes text at once.
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            // When this fails there is nothing to do, and nobody to tell.
            _ = Foundation.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }

    /// Whether a person is watching.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
