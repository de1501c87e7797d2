import CHeap
import Foundation
import PolicyInterface

/// Requests of many robots on their way to one policy: those that wait at the same time are answered as one batch, on one thread.
///
/// Each policy that comes in the place of another has a thread of its own, and one of them at a time answers.
final class BatchingQueue: @unchecked Sendable {
    /// A chunk, and where its time went.
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

    /// A policy, and what observations ranged over in its demonstrations if that is known.
    typealias Served = (policy: any ChunkingPolicy, ranges: DemonstratedRanges?)

    private let configuration: BatchingConfiguration
    private let metrics: ServerMetrics
    private let condition = NSCondition()
    // What follows is guarded by the condition.
    private var waiting: [Ticket] = []
    /// Who waits for the answers to tickets that wait or are computed, by their numbers.
    private var askers: [Int: CheckedContinuation<Answer, any Error>] = [:]
    private var nextNumber = 0
    private var isFinished = false
    /// The number of the policy that takes the next batch: how many there were.
    private var turn = 0
    private var isComputing = false
    private var ranges: DemonstratedRanges?
    /// How many robots will ask soon: those of the last batch will ask again, and others waited when it ended.
    private var expected = 1
    private var lastInference = Duration.zero

    init(_ configuration: BatchingConfiguration, metrics: ServerMetrics) {
        self.configuration = configuration
        self.metrics = metrics
    }

    /// Lets a policy answer from now on.
    ///
    /// It is made and prepared for every size of batch on the thread that will use it. A policy that answers already goes on until the new one is
    /// ready; the batch that it is computing then is its last, and its thread releases it.
    /// - Parameter make: makes the policy.
    /// - Throws: what `make` throws, what the policy throws when it cannot be prepared, or `ServerBusy` after the end.
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
                // A policy leaves many small pieces of memory; the C library would keep them, more or fewer each time.
                heap_trim()
            }
            thread.name = "policy"
            thread.stackSize = 16 << 20
            thread.start()
        }
    }

    /// Waits for the answer to a request.
    ///
    /// A task that is cancelled waits no longer, even if the answer is being computed.
    /// - Throws: `ServerBusy` when too many wait, `CancellationError` when the task is cancelled, or what the policy throws.
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

    /// Answers what waits, takes nothing more, and ends the threads.
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
        _ ticket: Ticket, for asker: CheckedContinuation<Answer, any Error>, isCancelled: @autoclosure () -> Bool
    ) {
        let refusal: (any Error)? = condition.withLock {
            // A task that is cancelled later finds its ticket.
            if isCancelled() { return CancellationError() }
            if isFinished { return ServerBusy.shuttingDown }
            if waiting.count >= configuration.queue { return ServerBusy.full(waiting: waiting.count) }
            waiting.append(ticket)
            askers[ticket.number] = asker
            metrics.queueLength(waiting.count)
            condition.broadcast()
            return nil
        }
        if let refusal { asker.resume(throwing: refusal) }
    }

    private func withdraw(_ number: Int) {
        condition.withLock {
            waiting.removeAll { $0.number == number }
            metrics.queueLength(waiting.count)
        }
        resolve(number, .failure(CancellationError()))
    }

    /// Gives a ticket's asker what has come of it, unless that one waits no longer.
    private func resolve(_ number: Int, _ result: Result<Answer, any Error>) {
        condition.withLock { askers.removeValue(forKey: number) }?.resume(with: result)
    }

    private var isOpen: Bool { condition.withLock { !isFinished } }

    /// What observations ranged over in the demonstrations of the policy that takes the next batch, if that is known.
    var demonstratedRanges: DemonstratedRanges? { condition.withLock { ranges } }

    /// Lets the calling thread take the next batch, and waits for the end of the one that another thread computes.
    /// - Returns: the number of its turn, which lasts until the next one is taken.
    private func takeTurn(_ ranges: DemonstratedRanges?) throws -> Int {
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

    /// Waits for requests, and a little for those that come with them; nil when there will be none in this turn.
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
            // While it waited, all may have been withdrawn, or another policy may have taken its turn.
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
            let chunks = try policy.chunks(for: batch.map(\.request))
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
            // One of them is at fault, and the others have no part in it: bisection finds it in few batches.
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
