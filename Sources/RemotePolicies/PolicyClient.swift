import Foundation
import NIOCore
public import PolicyInterface
public import PolicyMessages

/// A policy that lives in a server: it asks over the network, in the websocket protocol of openpi, and is used like any other.
///
/// ```swift
/// let policy = try PolicyClient(ServerAddress("ws://127.0.0.1:8000"))
/// var controller = RecedingHorizonController(policy, seed: 0)
/// ```
///
/// Its answers are those that the server's policy would give in this process, because each request carries the seed of its key. An instance
/// is used by one thread at a time, which waits for the answers. When a connection is lost, it connects again and repeats what was not answered, for
/// as long as the configuration's `retryTime` says.
public final class PolicyClient: ChunkingPolicy {
    /// The server.
    public let address: ServerAddress
    /// What the server told of its policy.
    public let metadata: PolicyMetadata
    /// How fields are called in messages to the server.
    public let names: FieldNames
    /// How many predicted actions the server's policy moved into its limits in the answers so far.
    public private(set) var clampedActions = 0
    /// How many observations in the requests answered so far lie, as the server says, far outside of what its policy learned from.
    public private(set) var unfamiliarObservations = 0

    private let connector: Connector
    private let configuration: PolicyClientConfiguration
    private var connections: [Connection]

    /// Connects to a server.
    /// - Throws: `PolicyClientError`, `InvalidSetting`, or `MessageError` when what is there is no policy server of this kind.
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

    /// How many observations a request carries and how many actions its answer.
    public var horizon: Horizon { metadata.horizon }

    /// Opens the connections over which so many requests are asked.
    public func prepare(count: Int) throws {
        try persisting { for index in 0..<min(count, configuration.connections) { _ = try connection(index) } }
    }

    /// Asks the server, all requests at the same time.
    /// - Throws: `ObservationError` when an observation lacks what the policy needs, or `PolicyClientError`.
    public func chunks(for requests: [ChunkRequest]) throws -> [ActionChunk] {
        for request in requests { try check(request) }
        let messages = requests.map { request in
            PolicyRequest(
                observations: request.observations, seed: request.key.seed, noise: request.noise, start: request.start,
                wantsPrediction: true
            ).message(for: metadata, names: names).encoded
        }
        var chunks: [Int: ActionChunk] = [:]
        try persisting(progress: chunks.count) { try ask(messages, &chunks) }
        return requests.indices.compactMap { chunks[$0] }
    }

    /// Asks what was not answered yet.
    /// - Throws: `PolicyClientError`; the answers that came are then among the chunks.
    private func ask(_ messages: [[UInt8]], _ chunks: inout [Int: ActionChunk]) throws {
        var loss: (any Error)?
        var replies: [(index: Int, reply: EventLoopFuture<MessagePackValue>)] = []
        do {
            for index in messages.indices where chunks[index] == nil {
                // Each connection answers in the order of its questions.
                let connection = try connection(replies.count % configuration.connections)
                replies.append((index, connection.ask(messages[index])))
            }
        } catch let error as PolicyClientError where error.isOfConnection { loss = error }
        for (index, reply) in replies {
            do { chunks[index] = try chunk(from: reply.wait()) } catch let error as PolicyClientError
                where error.isOfConnection
            { loss = loss ?? error }
        }
        if let loss { throw loss }
    }

    /// Does something, and does it again when a connection is lost, until nothing has come of it for the configuration's time.
    /// - Parameter progress: grows when something has come of it.
    private func persisting(progress: @autoclosure () -> Int = 0, _ attempt: () throws -> Void) throws {
        var (reached, pause) = (progress(), Self.shortestPause)
        var loss: ContinuousClock.Instant?
        while true {
            do { return try attempt() } catch let error as PolicyClientError where error.isOfConnection {
                if progress() > reached { (reached, pause, loss) = (progress(), Self.shortestPause, nil) }
                let start = loss ?? .now
                loss = start
                guard ContinuousClock.now - start < configuration.retryTime else { throw error }
                Thread.sleep(forTimeInterval: pause)
                pause = min(2 * pause, Self.longestPause)
            }
        }
    }

    /// Seconds between a lost connection and the next attempt: soon at first, since a server may only have been started again.
    private static let shortestPause = 0.02
    private static let longestPause = 0.5

    /// The connection at an index, a new one if there is none or it is closed.
    private func connection(_ index: Int) throws -> Connection {
        if index < connections.count, connections[index].isOpen { return connections[index] }
        let (connection, greeting) = try connector.connect()
        guard try PolicyMetadata.read(greeting).metadata == metadata else {
            connection.close()
            throw PolicyClientError.unintelligible(address, reason: "it serves another policy than before")
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
            throw MessageError(
                "request", expected: "\(horizon.observation) observations, the oldest first",
                found: "\(request.observations.count)")
        }
        for observation in request.observations {
            _ = try metadata.observations.vector(from: observation)
            _ = try metadata.observations.images(from: observation)
        }
        let (length, width) = (horizon.prediction, metadata.actionDimension)
        if let noise = request.noise, noise.count != length * width {
            throw MessageError("noise", expected: "\(length * width) numbers", found: "\(noise.count)")
        }
        if let actions = request.start?.actions, actions.map(\.count) != Array(repeating: width, count: length) {
            let widths = Set(actions.map(\.count)).sorted().map { "\($0)" }.joined(separator: " or ")
            throw MessageError(
                "start", expected: "\(length) actions of \(width) numbers", found: "\(actions.count) of \(widths)")
        }
    }

    private func chunk(from reply: MessagePackValue) throws -> ActionChunk {
        let answer = try PolicyAnswer(reply, actionDimension: metadata.actionDimension)
        clampedActions += answer.clampedActions
        unfamiliarObservations += answer.unfamiliarObservations
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
