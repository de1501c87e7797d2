import Foundation

/// Notes that the user or the system asks the process to end (SIGINT, SIGTERM), so that it can finish first.
///
/// A second request ends the process at once, with the exit code of its signal.
final class Interruption: @unchecked Sendable {
    // `requests` is guarded by the lock, and the sources are set once.
    private let lock = NSLock()
    private var requests: [Int32] = []
    private var sources: [any DispatchSourceSignal] = []
    private let notice: String
    private let react: @Sendable () -> Void

    /// Begins to listen.
    /// - Parameters:
    ///   - notice: what the user is told is being done.
    ///   - signals: what counts as a request.
    ///   - react: called at the first request.
    init(
        _ notice: String = "saving", at signals: [Int32] = [SIGINT, SIGTERM],
        then react: @escaping @Sendable () -> Void = {}
    ) {
        self.notice = notice
        self.react = react
        for number in signals {
            // Whoever lets a process outlive its terminal, as nohup does, has SIGHUP ignored already.
            if number == SIGHUP, Self.isIgnored(number) { continue }
            #if !os(Linux)
                // On Linux the source catches the signal itself. Were it ignored until then, one that comes meanwhile would be lost.
                signal(number, SIG_IGN)
            #endif
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
            source.setEventHandler { [weak self] in self?.note(number) }
            source.resume()
            sources.append(source)
        }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        #if os(Linux)
            let handler = action.__sigaction_handler.sa_handler
        #else
            let handler = action.__sigaction_u.__sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == 1
    }

    /// Whether the end was asked for.
    var isRequested: Bool { request != nil }
    /// How the end was asked for first; nil if it was not.
    var request: Interrupted? { lock.withLock { requests.first.map(Interrupted.init) } }

    private func note(_ signal: Int32) {
        let count = lock.withLock {
            requests.append(signal)
            return requests.count
        }
        if count > 1 { _exit(Interrupted(signal: signal).exitCode) }
        StandardError.write("\n\(notice); interrupt again to leave at once\n")
        react()
    }
}

/// The user or the system did not want to wait for the end.
struct Interrupted: Error, CustomStringConvertible {
    /// What asked for the end.
    let signal: Int32
    /// 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP: what shells report of programs that a signal ended.
    var exitCode: Int32 { 128 + signal }

    var description: String { "interrupted before the end" }
}
