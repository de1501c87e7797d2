import Foundation
import PolicyInterface
import PolicyMessages
import Synchronization

/// A policy whose actions follow from the request alone, and which tells what it was asked.
final class FakePolicy: ChunkingPolicy {
    /// What a test and the policy, on its own thread, both know.
    final class Record: Sendable {
        private let sizes = Mutex<[Int]>([])
        private let preparations = Mutex<[Int]>([])
        private let hasGone = Mutex(false)
        private let gate = DispatchSemaphore(value: 0)
        private let isClosed = Mutex(false)

        /// The sizes of the batches so far.
        var batches: [Int] { sizes.withLock { $0 } }

        /// The sizes of batches that the policy was prepared for.
        var prepared: [Int] { preparations.withLock { $0 } }

        /// Whether nobody has the policy any longer.
        var isReleased: Bool { hasGone.withLock { $0 } }

        /// Lets the policy wait before each answer until it is let go on.
        func closeGate() { isClosed.withLock { $0 = true } }

        /// Lets the policy answer again.
        func openGate() {
            isClosed.withLock { $0 = false }
            gate.signal()
        }

        /// Lets the policy give one answer, and wait again before the next.
        func letThrough() { gate.signal() }

        fileprivate func prepare(_ count: Int) { preparations.withLock { $0.append(count) } }

        fileprivate func release() { hasGone.withLock { $0 = true } }

        fileprivate func begin(_ count: Int) {
            sizes.withLock { $0.append(count) }
            if isClosed.withLock({ $0 }) { gate.wait() }
        }
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String { "policy: no answer to this" }
    }

    static let metadata = PolicyMetadata(
        name: "fake", observations: ObservationSchema([FieldSelection("state", width: 3)]), actionDimension: 2,
        horizon: Horizon(observation: 2, prediction: 4, action: 2))

    let horizon = metadata.horizon
    let record: Record
    /// Is added to every answer.
    let offset: Float
    /// Whether it cannot be prepared.
    let isBroken: Bool

    init(_ record: Record = Record(), offset: Float = 0, isBroken: Bool = false) {
        self.record = record
        self.offset = offset
        self.isBroken = isBroken
    }

    deinit { record.release() }

    func prepare(count: Int) throws {
        if isBroken { throw Failure() }
        record.prepare(count)
    }

    func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        record.begin(requests.count)
        return try requests.map { try Self.chunk(for: $0, offset: offset) }
    }

    /// What the policy answers: sums of what it sees, noise, what it is to start from, and the policy's offset.
    ///
    /// A first number of −1 makes it fail, and `clampedNumber` says that three actions were clamped.
    static func chunk(for request: ChunkRequest, offset: Float = 0) throws -> ActionChunk {
        let numbers = request.observations.flatMap { $0.vectors["state"] ?? [] }
        if numbers.first == -1 { throw Failure() }
        var noise = [Float](repeating: 0, count: 8)
        request.key.folding(0).fillNormal(&noise)
        if let given = request.noise { noise = given }
        let start = request.start.map { start in start.actions.joined().reduce(0, +) * Float(start.share) }
        let sum = numbers.reduce(0, +) + (start ?? 0) + offset
        return ActionChunk(
            prediction: (0..<4).map { [sum + noise[2 * $0], noise[2 * $0 + 1]] }, executed: metadata.horizon.executed,
            clampedActions: numbers.first == clampedNumber ? 3 : 0)
    }

    static let clampedNumber: Float = -7

    static func request(_ number: Float, seed: UInt64 = 0, noise: [Float]? = nil) -> ChunkRequest {
        let observations = (0..<2).map { Observation(vectors: ["state": [number, Float($0), 2]]) }
        return ChunkRequest(observations: observations, key: RandomKey(seed: seed), noise: noise)
    }

    /// The message of such a request.
    static func message(_ request: ChunkRequest) -> [UInt8] {
        PolicyRequest(
            observations: request.observations, seed: request.key.seed, noise: request.noise, start: request.start
        ).message(for: metadata).encoded
    }
}
