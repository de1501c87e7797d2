import Logging
import Synchronization

extension Logger {
    /// Messages of the libraries, one line each on standard error.
    static var messages: Logger { Logger(label: "dpolicy") { _ in MessageHandler() } }
}

/// Keeps the first warning, for those who take warnings for errors; other messages are written as usual.
final class WarningRecord: Sendable {
    private let kept = Mutex<String?>(nil)

    /// The first warning so far.
    var first: String? { kept.withLock { $0 } }

    var logger: Logger { Logger(label: "dpolicy") { _ in MessageHandler(warnings: self) } }

    fileprivate func keep(_ warning: String) { kept.withLock { $0 = $0 ?? warning } }
}

/// Writes messages as the rest of the command line does.
private struct MessageHandler: LogHandler {
    /// Keeps warnings, which are then not written.
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
