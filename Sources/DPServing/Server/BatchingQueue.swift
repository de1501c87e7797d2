import CDPSystem
import DPBase
import DPInterface
import Foundation

/// A queue of requests from many clients to one policy: requests that wait at the same time form one batch, which
/// one thread computes.
///
/// Each replacement policy has a thread of its own, and only one thread at a time computes.
final class BatchingQueue: Sendable {
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
    private let state = Monitor(State())

    private struct State {
        var waiting: [Ticket] = []
        /// The continuations of requests that are waiting or being computed, by ticket number.
        var continuations: [Int: CheckedContinuation<Answer, any Error>] = [:]
        var nextNumber = 0
        var isFinished = false
        /// The number of the policy that computes the next batch; policies are counted from 1.
        var turn = 0
        var isComputing = false
        var ranges: TrainingRanges?
        /// How many requests to expect soon: one from each client of the last batch, and those that were waiting
        /// when it ended.
        var expected = 1
        var lastInference = Duration.zero
    }

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
                    for count in 1...configuration.maxBatchSize where isOpen { try policy.prepare(count: count) }
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
    func finish() { state.change { $0.isFinished = true } }

    private func takeNumber() -> Int {
        state.change { state in
            state.nextNumber += 1
            return state.nextNumber
        }
    }

    private func enqueue(
        _ ticket: Ticket, for continuation: CheckedContinuation<Answer, any Error>, isCancelled: @autoclosure () -> Bool
    ) {
        let refusal: (any Error)? = state.change { state in
            // If the task is canceled later, `withdraw` finds its ticket.
            if isCancelled() { return CancellationError() }
            if state.isFinished { return ServerBusy.shuttingDown }
            let count = state.waiting.count
            if count >= configuration.maxQueueLength { return ServerBusy.full(waiting: count) }
            state.waiting.append(ticket)
            state.continuations[ticket.number] = continuation
            metrics.queueLength(count + 1)
            return nil
        }
        if let refusal { continuation.resume(throwing: refusal) }
    }

    private func withdraw(_ number: Int) {
        state.change { state in
            state.waiting.removeAll { $0.number == number }
            metrics.queueLength(state.waiting.count)
        }
        resolve(number, .failure(CancellationError()))
    }

    /// Resumes the task that waits for a ticket, if it still waits.
    private func resolve(_ number: Int, _ result: Result<Answer, any Error>) {
        state.change { $0.continuations.removeValue(forKey: number) }?.resume(with: result)
    }

    private var isOpen: Bool { state.read { !$0.isFinished } }

    /// The ranges of the observations in the training data of the policy that computes the next batch, if known.
    var demonstratedRanges: TrainingRanges? { state.read(\.ranges) }

    /// Makes the calling thread the one that computes the next batch, and waits until another thread has finished
    /// its batch.
    /// - Returns: the number of the turn, which lasts until another thread takes the next turn.
    private func takeTurn(_ ranges: TrainingRanges?) throws -> Int {
        let turn = try state.change { state in
            if state.isFinished { throw ServerBusy.shuttingDown }
            state.turn += 1
            state.ranges = ranges
            return state.turn
        }
        state.wait { $0.isComputing ? nil : () }
        return turn
    }

    private func answerAll(in turn: Int, with policy: any ChunkingPolicy) {
        while let batch = nextBatch(in: turn) {
            answer(batch[...], with: policy)
            state.change { $0.isComputing = false }
        }
    }

    /// Waits for requests, and briefly for others that are expected; returns nil when this turn has ended.
    private func nextBatch(in turn: Int) -> [Ticket]? {
        while true {
            let patience = state.wait { state -> Double?? in
                if !state.waiting.isEmpty {
                    return min(configuration.maxBatchDelay, state.lastInference / 4) / .seconds(1)
                }
                return state.isFinished || turn != state.turn ? .some(nil) : nil
            }
            guard let patience else { return nil }
            _ = state.wait(until: Date(timeIntervalSinceNow: patience)) { state -> Void? in
                let enough = min(state.expected, configuration.maxBatchSize)
                return state.waiting.count >= enough || state.isFinished || turn != state.turn ? () : nil
            }
            let batch = state.change { state -> [Ticket]? in
                if turn != state.turn { return nil }
                // During the wait, all requests may have been withdrawn.
                let batch = Array(state.waiting.prefix(configuration.maxBatchSize))
                state.isComputing = !batch.isEmpty
                state.waiting.removeFirst(batch.count)
                metrics.queueLength(state.waiting.count)
                return batch
            }
            guard let batch else { return nil }
            if !batch.isEmpty { return batch }
        }
    }

    private func answer(_ batch: ArraySlice<Ticket>, with policy: any ChunkingPolicy) {
        let start = ContinuousClock.now
        do {
            let chunks = try policy.predictActionChunks(for: batch.map(\.request))
            guard chunks.count == batch.count else {
                throw InputError.wrongChunkCount(requests: batch.count, chunks: chunks.count)
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
        state.change { state in
            state.expected = count + state.waiting.count
            state.lastInference = inference
        }
        metrics.inferred(inference, batch: count)
    }
}
