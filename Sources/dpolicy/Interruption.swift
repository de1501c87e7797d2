import Foundation

/// Notes that the user or the system asks the process to end (SIGINT, SIGTERM), so that it can save first.
///
/// A second request ends the process at once.
final class Interruption: @unchecked Sendable {
    // `requests` is guarded by the lock, and the sources are set once.
    private let lock = NSLock()
    private var requests = 0
    private var sources: [any DispatchSourceSignal] = []

    /// Begins to listen.
    init() {
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
        StandardError.write("\nsaving; interrupt again to leave at once\n")
    }
}

/// The user did not want to wait for the end.
struct Interrupted: Error, CustomStringConvertible {
    var description: String { "interrupted before the end" }
}
