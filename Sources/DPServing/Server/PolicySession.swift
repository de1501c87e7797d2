import DPBase
import DPInterface
import Logging

/// The session with one client.
///
/// It speaks the websocket protocol of openpi (Physical Intelligence, `openpi-client` 0.1): the server sends its
/// metadata first. It then responds to each binary message with another one, or with a text message that describes
/// the error. After an error the client may send the next request.
struct PolicySession {
    let policy: PolicyMetadata
    let names: FeatureNames
    let limits: MessagePackLimits
    let queue: BatchingQueue
    let metrics: ServerMetrics
    let isStrict: Bool
    let log: Logger

    private var hasWarnedOfRepeating = false
    private var hasWarnedOfIgnoring = false
    private var hasWarnedOfRanges = false

    init(
        _ policy: PolicyMetadata, names: FeatureNames, limits: MessagePackLimits, queue: BatchingQueue,
        metrics: ServerMetrics, isStrict: Bool, log: Logger
    ) {
        self.policy = policy
        self.names = names
        self.limits = limits
        self.queue = queue
        self.metrics = metrics
        self.isStrict = isStrict
        self.log = log
    }

    /// Responds to requests until the client disconnects.
    mutating func run(_ connection: WebSocketConnection) async throws {
        try await connection.send(.binary(policy.message(names, messageBytes: limits.bytes).encoded))
        var previousTotal: Duration?
        for try await message in connection.messages {
            let start = ContinuousClock.now
            let outcome: ServerMetrics.Outcome
            do {
                let request = try read(message, from: connection)
                let outOfRange = try countOutOfRange(in: request, connection)
                var answer = try await self.answer(request)
                answer.outOfRangeObservations = outOfRange
                answer.timing.previousTotal = previousTotal.map { $0 / .milliseconds(1) }
                try await connection.send(.binary(answer.message.encoded))
                outcome = .answered
            } catch let error as CancellationError {
                throw error
            } catch {
                outcome = Self.outcome(of: error)
                try await connection.send(.text("\(error)"))
            }
            previousTotal = ContinuousClock.now - start
            metrics.ended(outcome, after: previousTotal ?? .zero)
        }
    }

    private mutating func read(
        _ message: WebSocketMessage, from connection: WebSocketConnection
    ) throws -> PolicyRequest {
        guard case .binary(let bytes) = message else {
            throw InputError(at: "message", expected: "binary MessagePack", found: "text")
        }
        let (request, remarks) = try PolicyRequest.read(
            MessagePackValue(decoding: bytes, limits: limits), for: policy, names: names)
        warn(remarks, connection)
        return request
    }

    /// Logs, once per connection, which keys the server repeats or ignores.
    private mutating func warn(_ remarks: PolicyRequest.Remarks, _ connection: WebSocketConnection) {
        if !remarks.repeated.isEmpty, !hasWarnedOfRepeating {
            hasWarnedOfRepeating = true
            log.warning(
                """
                \(connection.request.peer): \(Self.list(remarks.repeated)) came as one frame, which is repeated; expected the last \
                \(policy.horizon.observation), the oldest first
                """)
        }
        if !remarks.ignored.isEmpty, !hasWarnedOfIgnoring {
            hasWarnedOfIgnoring = true
            log.warning(
                "\(connection.request.peer): the policy does not use \(Self.list(remarks.ignored)), which is ignored"
            )
        }
    }

    /// Counts the observations of a request that lie far outside the training data, and logs the first one of each
    /// connection.
    /// - Throws: `InputError` when there are any and the server is strict.
    private mutating func countOutOfRange(
        in request: PolicyRequest, _ connection: WebSocketConnection
    ) throws -> Int {
        guard let ranges = queue.demonstratedRanges else { return 0 }
        let found = request.observations.compactMap { ranges.outOfRangeValue(in: $0) }
        guard let first = found.first else { return 0 }
        metrics.outOfRange(found.count)
        let refusal = InputError(
            at: "key \"\(names.inMessages(first.feature))\"[\(first.component)]",
            expected: "about \(first.lower) … \(first.upper), as in the demonstrations", found: "\(first.value)",
            hint: "compare units and order with the demonstrations")
        if !hasWarnedOfRanges {
            hasWarnedOfRanges = true
            log.warning("\(connection.request.peer): far outside the training data: \(refusal)")
        }
        if isStrict { throw refusal }
        return found.count
    }

    /// Lists names that came over the network, without characters that could corrupt the log.
    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(8).map { "\"\($0.legible(atMost: 60))\"" }
        return shown.joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }

    private func answer(_ request: PolicyRequest) async throws -> PolicyResponse {
        let seed: UInt64
        if let given = request.seed {
            seed = given
        } else {
            var generator = SystemRandomNumberGenerator()
            seed = generator.next()
        }
        let answer = try await queue.answer(
            to: ChunkRequest(
                observations: request.observations, key: RandomKey(seed: seed), noise: request.noise,
                start: request.start))
        metrics.clamped(answer.chunk.clampedActions)
        return PolicyResponse(
            actions: Array(answer.chunk.actions), prediction: request.wantsPrediction ? answer.chunk.prediction : nil,
            doubles: answer.chunk.doubles.map { Array($0[answer.chunk.executed]) },
            doublePrediction: request.wantsPrediction ? answer.chunk.doubles : nil,
            clampedActions: answer.chunk.clampedActions,
            timing: PolicyResponse.Timing(
                inference: answer.inference / .milliseconds(1), waiting: answer.waiting / .milliseconds(1),
                batch: answer.batch))
    }

    private static func outcome(of error: any Error) -> ServerMetrics.Outcome {
        switch error {
        case is InputError: .invalid
        case is ServerBusy: .queueFull
        default: .failed
        }
    }
}
