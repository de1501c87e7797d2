import CDPSystem
import DPInterface
import Foundation

/// A queue of requests from many clients to one policy: requests that wait at the same time form one batch, which
/// one thread computes.
///
/// Each replacement policy has a thread of its own, and only one thread at a time computes. Unchecked, because the
/// condition guards every variable.
final class BatchingQueue: @unchecked Sendable {
    /// A chunk, its waiting and inference times, and the size of its batch.
    struct Answer: Sendable {
        let chunk: ActionChunk
        let waiting: Duration
        let inference: Duration
        let batch: Int
    }

    private struct Ticket {
        let number: Int
        let request: ChunkRequest
        let arrival: ContinuousClock.Instant
    }

    /// A policy and, if known, the ranges of the observations in its training data.
    typealias Served = (policy: any ChunkingPolicy, ranges: TrainingRanges?)

    private let configuration: BatchingConfiguration
    private let metrics: ServerMetrics
    private let condition = NSCondition()
    // The condition guards the following properties.
    private var waiting: [Ticket] = []
    /// The continuations of requests that are waiting or being computed, by ticket number.
    private var continuations: [Int: CheckedContinuation<Answer, any Error>] = [:]
    private var nextNumber = 0
    private var isFinished = false
    /// The number of the policy that computes the next batch; policies are counted from 1.
    private var turn = 0
    private var isComputing = false
    private var ranges: TrainingRanges?
    /// How many requests to expect soon: one from each client of the last batch, and those that were waiting when
    /// it ended.
    private var expected = 1
    private var lastInference = Duration.zero

    init(_ configuration: BatchingConfiguration, metrics: ServerMetrics) {
        self.configuration = configuration
        self.metrics = metrics
    }

    /// Makes a policy the one that computes from now on.
    ///
    /// The policy is created, and prepared for every batch size, on the thread that will use it. Until it is ready,
    /// the current policy continues; the batch in progress at that moment is its last, and its thread then releases
    /// it.
    /// - Parameter make: creates the policy.
    /// - Throws: errors from `make`, from preparing the policy, or `ServerBusy` after the end.
    func start(_ make: @escaping @Sendable () throws -> Served) async throws {
        try await withCheckedThrowingContinuation { (ready: CheckedContinuation<Void, any Error>) in
            let thread = Thread { [self] in
                do {
                    let (policy, ranges) = try make()
                    for count in 1...configuration.largestBatch where isOpen { try policy.prepare(count: count) }
                    let turn = try takeTurn(ranges)
                    ready.resume()
                    answerAll(in: turn, with: policy)
                } catch {
                    ready.resume(throwing: error)
                }
                // A released policy leaves many small blocks of memory. The C library would keep an unpredictable
                // amount of them.
                heap_trim()
            }
            thread.name = "policy"
            thread.stackSize = 16 << 20
            thread.start()
        }
    }

    /// Returns the response to a request.
    ///
    /// A canceled task stops waiting, even if its batch is being computed.
    /// - Throws: `ServerBusy` when too many requests are waiting, `CancellationError` when the task is canceled, or
    ///   an error from the policy.
    func answer(to request: ChunkRequest) async throws -> Answer {
        let number = takeNumber()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enqueue(
                    Ticket(number: number, request: request, arrival: .now), for: continuation,
                    isCancelled: Task.isCancelled)
            }
        } onCancel: {
            withdraw(number)
        }
    }

    /// Completes the waiting requests, accepts no more, and ends the threads.
    func finish() {
        condition.withLock {
            isFinished = true
            condition.broadcast()
        }
    }

    private func takeNumber() -> Int {
        condition.withLock {
            nextNumber += 1
            return nextNumber
        }
    }

    private func enqueue(
        _ ticket: Ticket, for continuation: CheckedContinuation<Answer, any Error>, isCancelled: @autoclosure () -> Bool
    ) {
        let refusal: (any Error)? = condition.withLock {
            // If the task is canceled later, `withdraw` finds its ticket.
            if isCancelled() { return CancellationError() }
            if isFinished { return ServerBusy.shuttingDown }
            if waiting.count >= configuration.queue { return ServerBusy.full(waiting: waiting.count) }
            waiting.append(ticket)
            continuations[ticket.number] = continuation
            metrics.queueLength(waiting.count)
            condition.broadcast()
            return nil
        }
        if let refusal { continuation.resume(throwing: refusal) }
    }

    private func withdraw(_ number: Int) {
        condition.withLock {
            waiting.removeAll { $0.number == number }
            metrics.queueLength(waiting.count)
        }
        resolve(number, .failure(CancellationError()))
    }

    /// Resumes the task that waits for a ticket, if it still waits.
    private func resolve(_ number: Int, _ result: Result<Answer, any Error>) {
        condition.withLock { continuations.removeValue(forKey: number) }?.resume(with: result)
    }

    private var isOpen: Bool { condition.withLock { !isFinished } }

    /// The ranges of the observations in the training data of the policy that computes the next batch, if known.
    var demonstratedRanges: TrainingRanges? { condition.withLock { ranges } }

    /// Makes the calling thread the one that computes the next batch, and waits until another thread has finished
    /// its batch.
    /// - Returns: the number of the turn, which lasts until another thread takes the next turn.
    private func takeTurn(_ ranges: TrainingRanges?) throws -> Int {
        condition.lock()
        defer { condition.unlock() }
        if isFinished { throw ServerBusy.shuttingDown }
        turn += 1
        self.ranges = ranges
        let own = turn
        condition.broadcast()
        while isComputing { condition.wait() }
        return own
    }

    private func answerAll(in turn: Int, with policy: any ChunkingPolicy) {
        while let batch = nextBatch(in: turn) {
            answer(batch[...], with: policy)
            condition.withLock {
                isComputing = false
                condition.broadcast()
            }
        }
    }

    /// Waits for requests, and briefly for others that are expected; returns nil when this turn has ended.
    private func nextBatch(in turn: Int) -> [Ticket]? {
        condition.lock()
        defer { condition.unlock() }
        repeat {
            while waiting.isEmpty {
                if isFinished || turn != self.turn { return nil }
                condition.wait()
            }
            let enough = min(expected, configuration.largestBatch)
            let patience = min(configuration.gathering, lastInference / 4) / .seconds(1)
            let deadline = Date(timeIntervalSinceNow: patience)
            while waiting.count < enough, !isFinished, turn == self.turn, condition.wait(until: deadline) {}
            // During the wait, all requests may have been withdrawn, or another policy may have taken its turn.
        } while waiting.isEmpty
        if turn != self.turn { return nil }
        isComputing = true
        let batch = Array(waiting.prefix(configuration.largestBatch))
        waiting.removeFirst(batch.count)
        metrics.queueLength(waiting.count)
        return batch
    }

    private func answer(_ batch: ArraySlice<Ticket>, with policy: any ChunkingPolicy) {
        let start = ContinuousClock.now
        do {
            let chunks = try policy.predictActionChunks(for: batch.map(\.request))
            guard chunks.count == batch.count else {
                throw WrongChunkCount(requests: batch.count, chunks: chunks.count)
            }
            let inference = ContinuousClock.now - start
            note(batch.count, inference)
            for (ticket, chunk) in zip(batch, chunks) {
                let wait = start - ticket.arrival
                metrics.waited(wait)
                resolve(
                    ticket.number,
                    .success(Answer(chunk: chunk, waiting: wait, inference: inference, batch: batch.count)))
            }
        } catch  where batch.count > 1 {
            // One request caused the error. Bisection finds it in few batches and completes the others.
            answer(batch.prefix(batch.count / 2), with: policy)
            answer(batch.dropFirst(batch.count / 2), with: policy)
        } catch {
            for ticket in batch { resolve(ticket.number, .failure(error)) }
        }
    }

    private func note(_ count: Int, _ inference: Duration) {
        condition.withLock {
            expected = count + waiting.count
            lastInference = inference
        }
        metrics.inferred(inference, batch: count)
    }
}
