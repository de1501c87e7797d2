import Foundation
import Synchronization
import TensorFiles

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// One exchange with a web server, whose answer goes to a file as it arrives.
final class Transfer: NSObject, URLSessionDataDelegate {
    /// Where the bytes of an answer go.
    struct Start {
        var sink: FileSink
        /// How many bytes of the file are there already.
        var received: Int
        var total: Int?
    }

    /// How an exchange ended.
    struct Result {
        /// How many bytes the whole file has, if the server said so.
        var total: Int?
        /// Why the connection broke.
        var transportError: String?
        /// Why it makes no sense to go on.
        var error: (any Error)?
    }

    private struct State: ~Copyable {
        var sink: FileSink?
        var received = 0
        var result = Result()
    }

    private let maximumByteCount: Int
    private let begin: @Sendable (HTTPURLResponse) throws -> Start
    private let progress: @Sendable (Int, Int?) -> Void
    private let state = Mutex(State())
    private let finished = DispatchSemaphore(value: 0)

    init(
        maximumByteCount: Int, begin: @escaping @Sendable (HTTPURLResponse) throws -> Start,
        progress: @escaping @Sendable (Int, Int?) -> Void
    ) {
        self.maximumByteCount = maximumByteCount
        self.begin = begin
        self.progress = progress
    }

    /// Sends a request and returns when the answer has ended.
    func run(_ request: URLRequest) -> Result {
        let session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: nil)
        session.dataTask(with: request).resume()
        finished.wait()
        session.finishTasksAndInvalidate()
        return state.withLock { state in
            do {
                try state.sink?.flush()
            } catch {
                state.result.error = state.result.error ?? error
            }
            state.sink?.close()
            return state.result
        }
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        let disposition: URLSession.ResponseDisposition = state.withLock { state in
            do {
                guard let response = response as? HTTPURLResponse else {
                    throw DownloadError.noAnswer(url: dataTask.originalRequest!.url!, reason: "not HTTP")
                }
                let start = try begin(response)
                state.sink = start.sink
                state.received = start.received
                state.result.total = start.total
                return .allow
            } catch {
                state.result.error = error
                return .cancel
            }
        }
        completionHandler(disposition)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let news = state.withLock { state -> (received: Int, total: Int?)? in
            guard state.result.error == nil, let sink = state.sink else { return nil }
            do {
                state.received += data.count
                if state.received > maximumByteCount, let url = dataTask.originalRequest?.url {
                    throw DownloadError.tooLarge(url: url, size: state.received, limit: maximumByteCount)
                }
                try data.withUnsafeBytes { try sink.write($0) }
            } catch {
                state.result.error = error
                dataTask.cancel()
            }
            return (state.received, state.result.total)
        }
        if let news { progress(news.received, news.total) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        state.withLock { state in
            if let error, state.result.error == nil {
                let reason = (error as? URLError).map { "\($0.code)" } ?? error.localizedDescription
                if state.sink == nil, let url = task.originalRequest?.url {
                    state.result.error = DownloadError.noAnswer(url: url, reason: error.localizedDescription)
                } else {
                    state.result.transportError = reason
                }
            }
        }
        finished.signal()
    }
}
