import DPBase
public import DPInterface
import Foundation
import NIOCore

/// A client of a policy server, which uses the websocket protocol of openpi and can replace any other policy.
///
/// Its action chunks are the same as those of the server's policy in this process, because each request contains
/// the seed of its key. Only one thread at a time may use an instance; calls block until the responses arrive. When
/// a connection is lost, the client reconnects and repeats the requests without a response, for as long as the
/// configuration's `retryDuration` allows.
///
/// ```swift
/// let policy = try PolicyClient(ServerAddress("ws://127.0.0.1:8000"))
/// var controller = RecedingHorizonController(policy, seed: 0)
/// let action = try controller.action(for: observation)
/// if policy.outOfRangeObservations > 0 { print("the observation is far outside of the training data") }
/// ```
public final class PolicyClient: ChunkingPolicy {
    /// The server.
    public let address: ServerAddress
    /// The metadata of the server's policy.
    public let metadata: PolicyMetadata
    /// The names of features in messages to the server.
    package let names: FeatureNames
    /// The number of predicted actions in all responses so far that the server's policy clamped to its limits.
    public private(set) var clampedActions = 0
    /// The number of observations in all requests so far that the server reported as far outside the training data.
    public private(set) var outOfRangeObservations = 0

    private let connector: Connector
    private let configuration: PolicyClientConfiguration
    private var connections: [Connection]

    /// Connects to a server.
    /// - Throws: `PolicyClientError`, or `InputError`, also when the address is not that of a policy server of this
    ///   kind.
    public init(_ address: ServerAddress, configuration: PolicyClientConfiguration = PolicyClientConfiguration()) throws
    {
        try configuration.validate()
        self.address = address
        self.configuration = configuration
        connector = try Connector(address, configuration)
        let (connection, greeting) = try connector.connect()
        do { (metadata, names) = try PolicyMetadata.read(greeting) } catch {
            connection.close()
            throw error
        }
        connections = [connection]
    }

    deinit { for connection in connections { connection.close() } }

    /// The number of observations in a request and of actions in its response.
    public var horizon: Horizon { metadata.horizon }

    /// Opens the connections for a number of simultaneous requests.
    public func prepare(count: Int) throws {
        try persisting { for index in 0..<min(count, configuration.connections) { _ = try connection(index) } }
    }

    /// Sends all requests to the server at the same time, and returns their action chunks.
    /// - Throws: `InputError` when an observation lacks something that the policy needs, or
    ///   `PolicyClientError`.
    public func predictActionChunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        for request in requests { try check(request) }
        let messages = requests.map { request in
            PolicyRequest(
                observations: request.observations, seed: request.key.seed, noise: request.noise, start: request.start,
                wantsPrediction: true
            ).message(for: metadata, names: names).encoded
        }
        var chunks: [Int: ActionChunk] = [:]
        try persisting(progress: chunks.count) { try send(messages, &chunks) }
        return requests.indices.compactMap { chunks[$0] }
    }

    /// Sends the requests that have no response yet.
    /// - Throws: `PolicyClientError`; the chunks then include the responses that arrived.
    private func send(_ messages: [[UInt8]], _ chunks: inout [Int: ActionChunk]) throws {
        var loss: (any Error)?
        var replies: [(index: Int, reply: EventLoopFuture<MessagePackValue>)] = []
        do {
            for index in messages.indices where chunks[index] == nil {
                // Responses on a connection arrive in the order of its requests.
                let connection = try connection(replies.count % configuration.connections)
                replies.append((index, connection.send(messages[index])))
            }
        } catch let error as PolicyClientError where error.isOfConnection { loss = error }
        for (index, reply) in replies {
            do { chunks[index] = try chunk(from: reply.wait()) } catch let error as PolicyClientError
                where error.isOfConnection
            { loss = loss ?? error }
        }
        if let loss { throw loss }
    }

    /// Runs a function, and repeats it after a lost connection until there was no progress for the configuration's
    /// `retryDuration`.
    /// - Parameter progress: a number that grows with progress.
    private func persisting(progress: @autoclosure () -> Int = 0, _ attempt: () throws -> Void) throws {
        var (reached, pause) = (progress(), Self.shortestPause)
        var loss: ContinuousClock.Instant?
        while true {
            do { return try attempt() } catch let error as PolicyClientError where error.isOfConnection {
                if progress() > reached { (reached, pause, loss) = (progress(), Self.shortestPause, nil) }
                let start = loss ?? .now
                loss = start
                guard ContinuousClock.now - start < configuration.retryDuration else { throw error }
                Thread.sleep(forTimeInterval: pause)
                pause = min(2 * pause, Self.longestPause)
            }
        }
    }

    /// Seconds between a lost connection and the next attempt: short at first, since the server may be restarting.
    private static let shortestPause = 0.02
    private static let longestPause = 0.5

    /// Returns the connection at an index; opens a new one if there is none or it is closed.
    private func connection(_ index: Int) throws -> Connection {
        if index < connections.count, connections[index].isOpen { return connections[index] }
        let (connection, greeting) = try connector.connect()
        guard try PolicyMetadata.read(greeting).metadata == metadata else {
            connection.close()
            throw PolicyClientError.unintelligible(address, reason: "the server serves a different policy than before")
        }
        if index < connections.count {
            connections[index] = connection
        } else {
            connections.append(connection)
        }
        return connection
    }

    private func check(_ request: ChunkRequest) throws {
        guard request.observations.count == horizon.observation else {
            throw InputError(
                at: "request", expected: "\(horizon.observation) observations, the oldest first",
                found: "\(request.observations.count)")
        }
        for observation in request.observations {
            _ = try metadata.observations.vector(from: observation)
            _ = try metadata.observations.images(from: observation)
        }
        let (length, width) = (horizon.prediction, metadata.actionDimension)
        if let noise = request.noise, noise.count != length * width {
            throw InputError(at: "noise", expected: "\(length * width) numbers", found: "\(noise.count)")
        }
        if let actions = request.start?.actions, actions.map(\.count) != Array(repeating: width, count: length) {
            let widths = Set(actions.map(\.count)).sorted().map { "\($0)" }.joined(separator: " or ")
            throw InputError(
                at: "start", expected: "\(length) actions of \(width) numbers", found: "\(actions.count) of \(widths)")
        }
    }

    private func chunk(from reply: MessagePackValue) throws -> ActionChunk {
        let answer = try PolicyResponse(reply, actionDimension: metadata.actionDimension)
        clampedActions += answer.clampedActions
        outOfRangeObservations += answer.outOfRangeObservations
        guard let prediction = answer.prediction else {
            return ActionChunk(
                prediction: answer.actions, executed: answer.actions.indices, doubles: answer.doubles,
                clampedActions: answer.clampedActions)
        }
        guard prediction.count == horizon.prediction else {
            throw PolicyClientError.unintelligible(
                address, reason: "expected \(horizon.prediction) predicted actions, found \(prediction.count)")
        }
        return ActionChunk(
            prediction: prediction, executed: horizon.executed, doubles: answer.doublePrediction,
            clampedActions: answer.clampedActions)
    }
}
