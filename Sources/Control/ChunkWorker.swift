import Foundation
import PolicyInterface

/// A thread of its own that asks a policy, one question after another.
final class ChunkWorker: @unchecked Sendable {
    // The policy is touched by the thread alone; everything else under the condition's lock.
    private let policy: any ChunkingPolicy
    private let condition = NSCondition()
    private var question: ChunkRequest?
    private var result: Result<ActionChunk, any Error>?
    private var isStopped = false

    /// Starts the thread.
    init(_ policy: sending any ChunkingPolicy) {
        self.policy = policy
        let thread = Thread { [self] in work() }
        thread.name = "policy"
        thread.start()
    }

    /// Hands a question over.
    /// - Precondition: the one before was answered, and the answer taken.
    func ask(_ request: ChunkRequest) {
        condition.withLock {
            precondition(question == nil && result == nil, "a question while another is being answered")
            question = request
            condition.broadcast()
        }
    }

    /// Takes the answer if it is there.
    /// - Throws: what the policy threw.
    func answer() throws -> ActionChunk? {
        let answer = condition.withLock {
            defer { result = nil }
            return result
        }
        return try answer?.get()
    }

    /// Waits until no question is being answered.
    func waitUntilIdle() {
        condition.withLock {
            while question != nil { condition.wait() }
        }
    }

    /// Ends the thread, after the question that it is busy with.
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
                question = nil
                result = answer
                condition.broadcast()
            }
        }
    }

    private func nextQuestion() -> ChunkRequest? {
        condition.withLock {
            while question == nil, !isStopped { condition.wait() }
            return isStopped ? nil : question
        }
    }

    private func chunk(for request: ChunkRequest) throws -> ActionChunk {
        let chunks = try policy.chunks(for: [request])
        guard chunks.count == 1, !chunks[0].executed.isEmpty else {
            throw UnusableAnswer(chunks: chunks.count)
        }
        return chunks[0]
    }
}

/// A policy answered one question with no chunk, with several, or with one of which nothing is to be executed.
public struct UnusableAnswer: Error, Equatable, CustomStringConvertible {
    /// How many chunks it answered with.
    public let chunks: Int

    /// What was expected, what was found, and what to do.
    public var description: String {
        """
        policy: expected one chunk with at least one action to execute, found \
        \(chunks == 1 ? "one with none" : "\(chunks) chunks"); check its horizon
        """
    }
}
