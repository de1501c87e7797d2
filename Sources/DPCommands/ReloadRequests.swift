import Foundation

/// Receives requests to reload (SIGHUP).
final class ReloadRequests {
    /// The requests.
    ///
    /// Requests that arrive during a reload are merged into one, so that the last one is never lost.
    let stream: AsyncStream<Void>
    private let source: any DispatchSourceSignal

    /// Starts to listen for SIGHUP.
    init() {
        let (stream, requests) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.stream = stream
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global(qos: .userInteractive))
        source.setEventHandler { requests.yield() }
        source.resume()
    }
}
