import Foundation

/// Notes that the process is asked to read again what it was started with (SIGHUP).
final class ReloadRequests {
    /// The requests; those that come while one is served are one, so that the last of them is never missed.
    let stream: AsyncStream<Void>
    private let source: any DispatchSourceSignal

    /// Begins to listen.
    init() {
        let (stream, requests) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.stream = stream
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global(qos: .userInteractive))
        source.setEventHandler { requests.yield() }
        source.resume()
    }
}
