import Foundation

/// A separate thread that calls a policy for one request at a time.
final class ChunkWorker: @unchecked Sendable {
    // Only the thread uses the policy; the lock of the condition guards everything else.
    private let policy: any ChunkingPolicy
    private let condition = NSCondition()
    private var pending: ChunkRequest?
    private var result: Result<ActionChunk, any Error>?
    private var isStopped = false

    /// Starts the thread.
    init(_ policy: sending any ChunkingPolicy) {
        self.policy = policy
        let thread = Thread { [self] in work() }
        thread.name = "policy"
        thread.start()
    }

    /// Submits a request.
    /// - Precondition: the result of the previous request was taken.
    func submit(_ request: ChunkRequest) {
        condition.withLock {
            precondition(pending == nil && result == nil, "a request while another is in progress")
            pending = request
            condition.broadcast()
        }
    }

    /// Returns the result if it is available, and clears it.
    /// - Throws: the error of the policy.
    func answer() throws -> ActionChunk? {
        let answer = condition.withLock {
            defer { result = nil }
            return result
        }
        return try answer?.get()
    }

    /// Waits until no request is in progress.
    func waitUntilIdle() {
        condition.withLock {
            while pending != nil { condition.wait() }
        }
    }

    /// Stops the thread after the request in progress.
    func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }

    private func work() {
        while let request = nextQuestion() {
            let answer = Result { try chunk(for: request) }
            condition.withLock {
                pending = nil
                result = answer
                condition.broadcast()
            }
        }
    }

    private func nextQuestion() -> ChunkRequest? {
        condition.withLock {
            while pending == nil, !isStopped { condition.wait() }
            return isStopped ? nil : pending
        }
    }

    private func chunk(for request: ChunkRequest) throws -> ActionChunk {
        let chunks = try policy.predictActionChunks(for: [request])
        guard chunks.count == 1, !chunks[0].executed.isEmpty else {
            throw WrongChunkCount(requests: 1, chunks: chunks.count)
        }
        return chunks[0]
    }
}
