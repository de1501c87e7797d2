import Logging
import Synchronization

extension Logger {
    /// A logger that writes each message of the libraries as one line to standard error.
    static var messages: Logger { Logger(label: "dpolicy") { _ in MessageHandler() } }
}

/// Records the first warning, for callers that treat warnings as errors.
///
/// Other messages are written as usual.
final class WarningRecord: Sendable {
    private let kept = Mutex<String?>(nil)

    /// The first warning so far.
    var first: String? { kept.withLock { $0 } }

    var logger: Logger { Logger(label: "dpolicy") { _ in MessageHandler(warnings: self) } }

    fileprivate func keep(_ warning: String) { kept.withLock { $0 = $0 ?? warning } }
}

/// Writes messages in the format of the command line.
private struct MessageHandler: LogHandler {
    /// Records warnings instead of writing them.
    var warnings: WarningRecord?
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.notice

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if let warnings, event.level == .warning { return warnings.keep("\(event.message)") }
        StandardError.write("dpolicy: \(event.level): \(event.message)\n")
    }
}
