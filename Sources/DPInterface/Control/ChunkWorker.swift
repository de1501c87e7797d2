import DPBase
import Foundation

/// A separate thread that calls a policy for one request at a time.
final class ChunkWorker: Sendable {
    private enum State {
        case idle
        case requested(ChunkRequest)
        case finished(Result<ActionChunk, any Error>)
        case stopped
    }

    private let state = Monitor(State.idle)

    /// Starts the thread, which alone uses the policy.
    init(_ policy: sending any ChunkingPolicy) {
        let state = state
        // The thread takes the policy out of the array, since a closure cannot consume what it captures.
        nonisolated(unsafe) var handover = [policy]
        let thread = Thread { Self.work(state, with: handover.removeLast()) }
        thread.name = "policy"
        thread.start()
    }

    /// Submits a request.
    /// - Precondition: the result of the previous request was taken.
    func submit(_ request: ChunkRequest) {
        state.change { state in
            switch state {
            case .idle: state = .requested(request)
            case .stopped: break
            case .requested, .finished: preconditionFailure("a request while another is in progress")
            }
        }
    }

    /// Returns the result if it is available, and clears it.
    /// - Throws: the error of the policy.
    func takeResult() throws -> ActionChunk? {
        let result = state.change { state -> Result<ActionChunk, any Error>? in
            guard case .finished(let result) = state else { return nil }
            state = .idle
            return result
        }
        return try result?.get()
    }

    /// Waits until no request is in progress.
    func waitUntilIdle() {
        state.wait { state -> Void? in
            if case .requested = state { nil } else { () }
        }
    }

    /// Stops the thread after the request in progress.
    func stop() { state.change { $0 = .stopped } }

    private static func work(_ state: Monitor<State>, with policy: any ChunkingPolicy) {
        while let request = state.wait(for: nextRequest) {
            let result = Result { try chunk(for: request, of: policy) }
            state.change { state in
                if case .requested = state { state = .finished(result) }
            }
        }
    }

    /// Returns the request to process, `.some(nil)` if the thread must end, or nil to wait.
    private static func nextRequest(_ state: inout State) -> ChunkRequest?? {
        switch state {
        case .idle, .finished: nil
        case .requested(let request): request
        case .stopped: .some(nil)
        }
    }

    private static func chunk(for request: ChunkRequest, of policy: any ChunkingPolicy) throws -> ActionChunk {
        let chunks = try policy.predictActionChunks(for: [request])
        guard chunks.count == 1, !chunks[0].executed.isEmpty else {
            throw InputError.wrongChunkCount(requests: 1, chunks: chunks.count)
        }
        return chunks[0]
    }
}
