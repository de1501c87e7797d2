import DPBase
import Foundation

/// Records requests to end the process (SIGINT, SIGTERM), so that it can finish its work first.
///
/// A second request ends the process immediately, with the exit code of its signal.
final class Interruption: Sendable {
    private let requests = Monitor<[Int32]>([])
    /// The sources of signals, which are active as long as they are referenced.
    private let sources = Monitor<[any DispatchSourceSignal]>([])
    private let notice: String
    private let react: @Sendable () -> Void

    /// Starts to listen for signals.
    /// - Parameters:
    ///   - notice: the message to the user about the work that remains.
    ///   - signals: the signals that count as requests.
    ///   - react: called at the first request.
    init(
        _ notice: String = "saving", at signals: [Int32] = [SIGINT, SIGTERM],
        then react: @escaping @Sendable () -> Void = {}
    ) {
        self.notice = notice
        self.react = react
        for number in signals {
            // nohup sets SIGHUP to be ignored; keep it so.
            if number == SIGHUP, Self.isIgnored(number) { continue }
            #if !os(Linux)
                // On Linux the source catches the signal itself. Ignoring the signal first would lose one that
                // arrives before the source starts.
                signal(number, SIG_IGN)
            #endif
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
            source.setEventHandler { [weak self] in self?.note(number) }
            source.resume()
            sources.change { $0.append(source) }
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

    /// Whether the end was requested.
    var isRequested: Bool { request != nil }
    /// The first request; nil if there was none.
    var request: Interrupted? { requests.read { $0.first.map(Interrupted.init) } }

    private func note(_ signal: Int32) {
        let count = requests.change { requests in
            requests.append(signal)
            return requests.count
        }
        if count > 1 { _exit(Interrupted(signal: signal).exitCode) }
        StandardError.write("\n\(notice); interrupt again to exit immediately\n")
        react()
    }
}

/// An interruption by a signal.
struct Interrupted: Error, CustomStringConvertible {
    /// The signal that interrupted the process.
    let signal: Int32
    /// 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP, as shells report for programs that a signal ended.
    var exitCode: Int32 { 128 + signal }

    var description: String { "interrupted before the end" }
}
