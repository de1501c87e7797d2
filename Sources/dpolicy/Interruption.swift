import Foundation

/// Notes that the user or the system asks the process to end (SIGINT, SIGTERM), so that it can finish first.
///
/// A second request ends the process at once.
final class Interruption: @unchecked Sendable {
    // `requests` is guarded by the lock, and the sources are set once.
    private let lock = NSLock()
    private var requests = 0
    private var sources: [any DispatchSourceSignal] = []
    private let notice: String
    private let react: @Sendable () -> Void

    /// Begins to listen.
    /// - Parameters:
    ///   - notice: what the user is told is being done.
    ///   - react: called at the first request.
    init(_ notice: String = "saving", then react: @escaping @Sendable () -> Void = {}) {
        self.notice = notice
        self.react = react
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
            source.setEventHandler { [weak self] in self?.note() }
            source.resume()
            sources.append(source)
        }
    }

    /// Whether the end was asked for.
    var isRequested: Bool { lock.withLock { requests > 0 } }

    private func note() {
        let count = lock.withLock {
            requests += 1
            return requests
        }
        if count > 1 { _exit(1) }
        StandardError.write("\n\(notice); interrupt again to leave at once\n")
        react()
    }
}

/// The user did not want to wait for the end.
struct Interrupted: Error, CustomStringConvertible {
    var description: String { "interrupted before the end" }
}
