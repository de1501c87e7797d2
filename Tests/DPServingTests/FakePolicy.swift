import DPBase
import DPInterface
import DPServing
import Foundation
import Synchronization

/// A policy whose actions depend on the request alone, and which records its calls.
final class FakePolicy: ChunkingPolicy {
    /// State that a test shares with the policy, which runs on its own thread.
    final class Record: Sendable {
        private let sizes = Mutex<[Int]>([])
        private let preparations = Mutex<[Int]>([])
        private let released = Mutex(false)
        private let gate = DispatchSemaphore(value: 0)
        private let isClosed = Mutex(false)

        /// The sizes of the batches so far.
        var batches: [Int] { sizes.withLock { $0 } }

        /// The batch sizes that the policy was prepared for.
        var prepared: [Int] { preparations.withLock { $0 } }

        /// Whether the policy has been released.
        var isReleased: Bool { released.withLock { $0 } }

        /// Blocks the policy before each result until the gate is opened.
        func closeGate() { isClosed.withLock { $0 = true } }

        /// Lets the policy continue.
        func openGate() {
            isClosed.withLock { $0 = false }
            gate.signal()
        }

        /// Lets the policy return one result, and blocks it again before the next.
        func letThrough() { gate.signal() }

        fileprivate func prepare(_ count: Int) { preparations.withLock { $0.append(count) } }

        fileprivate func release() { released.withLock { $0 = true } }

        fileprivate func begin(_ count: Int) {
            sizes.withLock { $0.append(count) }
            if isClosed.withLock({ $0 }) { gate.wait() }
        }
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String { "policy: no chunk for this request" }
    }

    static let metadata = PolicyMetadata(
        name: "fake", observations: ObservationSchema([FeatureSelection("state", size: 3)]), actionDimension: 2,
        horizon: Horizon(observation: 2, prediction: 4, action: 2))

    let horizon = metadata.horizon
    let record: Record
    /// A number that is added to every result.
    let offset: Float
    /// Whether preparing the policy fails.
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

    func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        record.begin(requests.count)
        return try requests.map { try Self.chunk(for: $0, offset: offset) }
    }

    /// Returns the policy's chunk: sums of the observations, the noise, the warm start and the policy's offset.
    ///
    /// If the first number is −1, the policy fails; if it is `clampedNumber`, the chunk reports three clamped
    /// actions.
    static func chunk(for request: ChunkRequest, offset: Float = 0) throws -> ActionChunk {
        let numbers = request.observations.flatMap { $0.vectors["state"] ?? [] }
        if numbers.first == -1 { throw Failure() }
        var noise = [Float](repeating: 0, count: 8)
        request.key.folding(0).fillNormal(&noise)
        if let given = request.noise { noise = given }
        let start = request.start.map { start in start.actions.joined().reduce(0, +) * Float(start.strength) }
        let sum = numbers.reduce(0, +) + (start ?? 0) + offset
        return ActionChunk(
            prediction: (0..<4).map { [sum + noise[2 * $0], noise[2 * $0 + 1]] }, executed: metadata.horizon.executed,
            clampedActions: numbers.first == clampedNumber ? 3 : 0)
    }

    static let clampedNumber: Float = -7

    static func request(_ number: Float, seed: UInt64 = 0, noise: [Float]? = nil) -> ChunkRequest {
        let observations = (0..<2).map { RobotObservation(vectors: ["state": [number, Float($0), 2]]) }
        return ChunkRequest(observations: observations, key: RandomKey(seed: seed), noise: noise)
    }

    /// Returns the message of a request.
    static func message(_ request: ChunkRequest) -> [UInt8] {
        PolicyRequest(
            observations: request.observations, seed: request.key.seed, noise: request.noise, start: request.start
        ).message(for: metadata).encoded
    }
}
