import DPBase
import DPInterface
import DPServing
import Testing

/// Observations far outside the training data.
@Suite(.timeLimit(.minutes(5))) struct OutOfRangeTests {
    private static let ranges = TrainingRanges(
        FakePolicy.metadata.observations, lower: [0.3, -1.5, 0.2], upper: [0.7, 1.5, 0.9])
    private static let familiar: [Float] = [0.5, 1, 0.5]
    /// Degrees instead of radians, a dead sensor, meters instead of millimeters.
    private static let wrongs = [familiar.map { $0 * 57.3 }, [0, 0, 0], familiar.map { $0 / 1000 }]

    /// Returns a request with observations at two instants.
    private static func request(_ states: [Float]...) -> ChunkRequest {
        ChunkRequest(
            observations: states.map { RobotObservation(vectors: ["state": $0]) }, key: RandomKey(seed: 1))
    }

    /// Returns a request whose latest observation is far outside the training data.
    private static func request(from wrong: [Float]) -> ChunkRequest { request(familiar, wrong) }

    /// Returns a client that has received the server's metadata.
    private static func robot(_ port: Int) throws -> RawClient {
        let client = try RawClient(port: port)
        client.upgrade()
        _ = client.message()
        return client
    }

    private static func message(_ request: ChunkRequest) -> [UInt8] {
        PolicyRequest(observations: request.observations, seed: 1)
            .message(for: FakePolicy.metadata, names: FeatureNames(["state": "observation/state"])).encoded
    }

    private static func answer(of client: RawClient) throws -> PolicyResponse {
        try PolicyResponse(MessagePackValue(decoding: #require(client.message()).payload), actionDimension: 2)
    }

    private static func count(_ port: Int) throws -> Int? {
        let name = "dpolicy_out_of_range_observations_total "
        let line = try RawClient(port: port).get("/metrics").split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { Int($0.dropFirst(name.count)) }
    }

    @Test func countsThemInResponsesAndLogsOncePerConnection() async throws {
        let log = LogRecord()
        try await withServer(names: FeatureNames(["state": "observation/state"]), ranges: Self.ranges, log: log) {
            server in
            let port = server.address.port
            try await onThread {
                for _ in 0..<2 {
                    let robot = try Self.robot(port)
                    for wrong in Self.wrongs {
                        robot.send(2, Self.message(Self.request(Self.familiar, Self.familiar)))
                        #expect(try Self.answer(of: robot).outOfRangeObservations == 0)
                        robot.send(2, Self.message(Self.request(from: wrong)))
                        let answer = try Self.answer(of: robot)
                        #expect(answer.outOfRangeObservations == 1)
                        #expect(answer.actions == Array(try FakePolicy.chunk(for: Self.request(from: wrong)).actions))
                    }
                    robot.send(2, Self.message(Self.request(Self.wrongs[0], Self.wrongs[1])))
                    #expect(try Self.answer(of: robot).outOfRangeObservations == 2)
                }
                #expect(try Self.count(port) == 10)
            }
        }
        #expect(log.messages.count == 2)
        for line in log.messages {
            #expect(
                line.contains(
                    "\"observation/state\"[0]: expected about 0.3 … 0.7, as in the demonstrations, found 28.6"))
        }
    }

    @Test func ignoresObservationsInRangeAndPoliciesWithoutRanges() async throws {
        for (ranges, state) in [(Self.ranges, Self.familiar), (nil, Self.wrongs[0])] {
            let log = LogRecord()
            try await withServer(ranges: ranges, isStrict: true, log: log) { server in
                let (url, port) = (server.url, server.address.port)
                try await onThread {
                    let client = try PolicyClient(ServerAddress(url))
                    #expect(try client.predictActionChunks(for: [Self.request(state, state)]).count == 1)
                    #expect(client.outOfRangeObservations == 0)
                    #expect(try Self.count(port) == 0)
                }
            }
            #expect(log.messages.isEmpty)
        }
    }

    @Test func aStrictServerRefusesThemAndContinues() async throws {
        let (log, record) = (LogRecord(), FakePolicy.Record())
        try await withServer(
            record, names: FeatureNames(["state": "observation/state"]), ranges: Self.ranges, isStrict: true, log: log
        ) { server in
            let port = server.address.port
            try await onThread {
                let robot = try Self.robot(port)
                for wrong in Self.wrongs {
                    robot.send(2, Self.message(Self.request(from: wrong)))
                    let refusal = try #require(robot.message())
                    #expect(refusal.opcode == 1)
                    #expect(refusal.text.hasPrefix("key \"observation/state\"[0]: expected about 0.3 … 0.7, as in"))
                    robot.send(2, Self.message(Self.request(Self.familiar, Self.familiar)))
                    #expect(try Self.answer(of: robot).outOfRangeObservations == 0)
                }
                #expect(try Self.count(port) == 3)
                #expect(try RawClient(port: port).get("/metrics").contains("{outcome=\"invalid\"} 3\n"))
            }
        }
        #expect(record.batches == [1, 1, 1])
        #expect(log.messages.count == 1)
    }

    /// In a batch, the server reports or refuses only the requests that are far outside.
    @Test(arguments: [false, true]) func doesNotAffectOthersInTheBatch(_ isStrict: Bool) async throws {
        let record = FakePolicy.Record()
        try await withServer(record, ranges: Self.ranges, isStrict: isStrict) { server in
            let (url, port) = (server.url, server.address.port)
            @Sendable func ask(_ state: [Float]) async throws -> (chunk: ActionChunk, outOfRange: Int) {
                try await onThread {
                    let client = try PolicyClient(ServerAddress(url))
                    return (
                        try client.predictActionChunks(for: [Self.request(state, state)])[0],
                        client.outOfRangeObservations
                    )
                }
            }
            record.closeGate()
            async let first = ask(Self.familiar)
            #expect(await eventually { record.batches == [1] })
            async let second = ask(Self.familiar)
            let wrong = Task { try await ask(Self.wrongs[0]) }
            try await onThread {
                let length = isStrict ? 1 : 2
                try wait(until: {
                    try RawClient(port: port).get("/metrics").contains("dpolicy_queue_length \(length)\n")
                        && Self.count(port) == 2
                })
            }
            record.openGate()
            #expect(try await (first.outOfRange, second.outOfRange) == (0, 0))
            if isStrict {
                await #expect(throws: PolicyClientError.self) { try await wrong.value }
            } else {
                #expect(try await wrong.value.outOfRange == 2)
            }
        }
        #expect(record.batches == (isStrict ? [1, 1] : [1, 2]))
    }

    /// A client that executes actions while the next chunk is computed.
    @Test func asynchronousControlContinuesAfterARefusal() async throws {
        try await withServer(ranges: Self.ranges, isStrict: true) { server in
            let (url, port) = (server.url, server.address.port)
            try await onThread {
                let robot = try RealTimeController(
                    PolicyClient(ServerAddress(url)), configuration: ControlConfiguration(merging: .skipStale),
                    key: RandomKey(seed: 1))
                let (good, bad) = (
                    RobotObservation(vectors: ["state": Self.familiar]),
                    RobotObservation(vectors: ["state": Self.wrongs[0]])
                )
                let error = #expect(throws: PolicyClientError.self) { try robot.action(for: bad) }
                #expect("\(try #require(error))".contains("as in the demonstrations"))
                // The history of two observations still contains the refused one.
                #expect(throws: PolicyClientError.self) { try robot.action(for: good) }
                #expect(try robot.action(for: good).count == 2)
                #expect(try Self.count(port) == 3)
            }
        }
    }

    /// A replacement policy has its own ranges.
    @Test func usesTheRangesOfTheCurrentPolicy() async throws {
        try await withServer(ranges: Self.ranges) { server in
            let (url, port) = (server.url, server.address.port)
            @Sendable func ask() async throws -> Int? {
                try await onThread {
                    _ = try PolicyClient(ServerAddress(url)).predictActionChunks(for: [
                        Self.request(from: Self.wrongs[0])
                    ])
                    return try Self.count(port)
                }
            }
            #expect(try await ask() == 1)
            try await server.replacePolicy {
                var metadata = FakePolicy.metadata
                metadata.demonstratedRanges = TrainingRanges(
                    metadata.observations, lower: [0, -90, 0], upper: [90, 90, 90])
                return (FakePolicy(), metadata)
            }
            #expect(try await ask() == 1)
        }
    }
}
