import Logging

extension Logger {
    /// Messages of the libraries, one line each on standard error.
    static var messages: Logger { Logger(label: "dpolicy") { _ in MessageHandler() } }
}

/// Writes messages as the rest of the command line does.
private struct MessageHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.notice

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        StandardError.write("dpolicy: \(event.level): \(event.message)\n")
    }
}
