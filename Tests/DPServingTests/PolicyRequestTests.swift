import DPBase
import DPInterface
import DPServing
import TestSupport
import Testing

/// Reading and writing of requests.
@Suite struct PolicyRequestTests {
    private func read(
        _ changes: [String: MessagePackValue?] = [:], names: FeatureNames = FeatureNames()
    ) throws -> (request: PolicyRequest, remarks: PolicyRequest.Remarks) {
        var entries = Fixtures.entries
        for (key, value) in changes { entries[key] = value }
        // Encode and decode, as over the network.
        let message = try MessagePackValue(decoding: Fixtures.message(entries).encoded)
        return try PolicyRequest.read(message, for: Fixtures.policy, names: names)
    }

    @Test func roundTrip() throws {
        let message = Fixtures.request.message(for: Fixtures.policy)
        let (request, remarks) = try PolicyRequest.read(
            MessagePackValue(decoding: message.encoded), for: Fixtures.policy)
        #expect(request == Fixtures.request)
        #expect(remarks == PolicyRequest.Remarks())
    }

    @Test func readsNumPyArrays() throws {
        let (request, remarks) = try read()
        #expect(request.observations == Fixtures.request.observations)
        #expect(request.seed == nil && request.noise == nil && request.start == nil && !request.wantsPrediction)
        #expect(remarks == PolicyRequest.Remarks())
    }

    @Test(
        arguments: [
            ("|i1", [1, 254], [1, -2]), ("|u1", [1, 254], [1, 254]), ("|b1", [1, 0], [1, 0]),
            ("<i2", [1, 0, 254, 255], [1, -2]), (">i2", [0, 1, 255, 254], [1, -2]), ("<u2", [1, 0, 0, 1], [1, 256]),
            ("<i4", [1, 0, 0, 0, 254, 255, 255, 255], [1, -2]), (">u4", [0, 0, 0, 1, 0, 0, 1, 0], [1, 256]),
            ("<f2", [0x00, 0x3C, 0x00, 0xC0], [1, -2]), ("<f2", [0x01, 0x00, 0x00, 0x02], [0x1p-24, 0x1p-15]),
            ("<f4", [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0], [1, -2]), (">f4", [0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0], [1, -2]),
            ("<i8", [1, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255], [1, -2]),
            ("<u8", [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [1, 256]),
            (">f8", [0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0], [1, -2]),
        ] as [(String, [UInt8], [Float])])
    func takesEveryTypeOfNumber(_ type: String, _ bytes: [UInt8], _ numbers: [Float]) throws {
        let policy = PolicyMetadata(
            name: "", observations: ObservationSchema([FeatureSelection("x", size: 2)]), actionDimension: 1,
            horizon: Horizon(observation: 1, prediction: 1, action: 1))
        let message = Fixtures.message(["x": Fixtures.array(bytes, type, [1, 2])])
        #expect(try PolicyRequest.read(message, for: policy).request.observations[0].vectors["x"] == numbers)
    }

    private static let exactArray = Fixtures.array(
        [1_700_000_000.125, 1_700_000_001.125].flatMap { (value: Double) in withUnsafeBytes(of: value) { Array($0) } },
        "<f8", [1, 2])

    /// Numbers that float32 cannot hold are read in double precision if the metadata lists the feature.
    @Test(
        arguments: [
            exactArray,
            .array([.array([.float64(1_700_000_000.125), .float64(1_700_000_001.125)])]),
        ] as [MessagePackValue])
    func keepsDoublePrecisionWhereItIsNeeded(_ value: MessagePackValue) throws {
        func policy(_ doubleFeatures: Set<String>) -> PolicyMetadata {
            PolicyMetadata(
                name: "", observations: ObservationSchema([FeatureSelection("x", size: 2)]), actionDimension: 1,
                horizon: Horizon(observation: 1, prediction: 1, action: 1), doubleFeatures: doubleFeatures)
        }
        let message = Fixtures.message(["x": value])
        let exact = try PolicyRequest.read(message, for: policy(["x"])).request
        #expect(exact.observations == [RobotObservation(doubles: ["x": [1_700_000_000.125, 1_700_000_001.125]])])
        let rounded = try PolicyRequest.read(message, for: policy([])).request
        #expect(rounded.observations == [RobotObservation(vectors: ["x": [1_700_000_000, 1_700_000_000]])])
        // The request survives a round trip, and the metadata contains the type.
        let (metadata, _) = try PolicyMetadata.read(policy(["x"]).message())
        #expect(metadata.doubleFeatures == ["x"])
        #expect(try PolicyRequest.read(exact.message(for: metadata), for: metadata).request == exact)
        #expect(throws: InputError.self) { try policy([]).check(replacement: policy(["x"])) }
    }

    @Test func takesWholeNumbersOf64Bits() throws {
        let policy = PolicyMetadata(
            name: "", observations: ObservationSchema([FeatureSelection("x", size: 1)]), actionDimension: 1,
            horizon: Horizon(observation: 1, prediction: 1, action: 1), doubleFeatures: ["x"])
        let bytes = withUnsafeBytes(of: Int64(1_700_000_000_123)) { Array($0) }
        let message = Fixtures.message(["x": Fixtures.array(bytes, "<i8", [1, 1])])
        #expect(
            try PolicyRequest.read(message, for: policy).request.observations[0].doubles["x"] == [1_700_000_000_123])
    }

    @Test func warmStartsKeepDoublePrecision() throws {
        var request = Fixtures.request
        let doubles = (0..<4).map { [1_700_000_000.125 + Double($0), 0.5] }
        request.start = WarmStart(actions: doubles.map { $0.map(Float.init) }, strength: 0.5, doubles: doubles)
        let message = request.message(for: Fixtures.policy)
        #expect(try PolicyRequest.read(message, for: Fixtures.policy).request == request)
    }

    @Test func takesLists() throws {
        let rows = MessagePackValue.array([
            .array([.float64(1), .integer(2), .float32(3)]), .array([.integer(-4), .integer(5), .integer(6)]),
        ])
        let (request, _) = try read(["state": rows])
        #expect(request.observations.map { $0.vectors["state"] } == [[1, 2, 3], [-4, 5, 6]])
    }

    @Test func repeatsASingleFrame() throws {
        let (request, remarks) = try read([
            "state": Fixtures.doubles([1, 2, 3], [3]),
            "img": Fixtures.array([UInt8](repeating: 9, count: 18), "|u1", [2, 3, 3]),
        ])
        #expect(request.observations.map { $0.vectors["state"] } == [[1, 2, 3], [1, 2, 3]])
        #expect(request.observations.allSatisfy { $0.images["img"]?.pixels == [UInt8](repeating: 9, count: 18) })
        #expect(remarks.repeated == ["img", "state"])
    }

    @Test func ignoresUndeclaredKeys() throws {
        let (_, remarks) = try read([
            "prompt": .string("push the T"), "extra": .map([.init(.string("a"), .null), .init(.string("b"), .null)]),
        ])
        #expect(remarks.ignored == ["extra/a", "extra/b", "prompt"])
    }

    @Test func ignoresKeysWithoutNames() throws {
        let (request, remarks) = try read([
            "empty": .map([]), "numbered": .map([.init(.integer(1), .null), .init(.integer(2), .map([]))]),
            "mixed": .map([.init(.string("a"), .map([.init(.null, .null)])), .init(.binary([0xFF]), .null)]),
        ])
        #expect(request.observations == Fixtures.request.observations)
        #expect(remarks.ignored == ["empty", "mixed/(1 bytes)", "mixed/a/(nil)", "numbered/(a whole number)"])
    }

    /// A long name of a map with many values is not copied for each of them.
    @Test func refusesLongNames() throws {
        let inner = MessagePackValue.map((0..<60_000).map { .init(.string("\($0)"), .null) })
        let long = String(repeating: "k", count: 4 << 20)
        for entries in [[long: inner], ["a": .map([.init(.string(long), inner)])]] as [[String: MessagePackValue]] {
            let text = message {
                let value = try MessagePackValue(decoding: Fixtures.message(entries).encoded)
                _ = try PolicyRequest.read(value, for: Fixtures.policy)
            }
            #expect(text.contains("at most 256 bytes") && text.contains("found 41943"))
            #expect(text.utf8.count < 300, "\(text.utf8.count) bytes")
        }
        #expect(throws: Never.self) { try read([String(repeating: "k", count: 256): .null]) }
        #expect(throws: InputError.self) { try read([String(repeating: "k", count: 257): .null]) }
    }

    @Test func showsNamesInOneLine() {
        let text = message { _ = try read(["state": nil, "a\n\u{1B}[31mb\u{202E}\u{2028}": .null]) }
        #expect(text.contains("found only a[31mb, img, keypoint"), "\(text)")
    }

    /// A single character can be as long as a message.
    @Test func truncatesLongTextsInErrors() {
        let long = "<f" + String(repeating: "\u{301}", count: 1 << 20)
        let text = message { _ = try read(["state": Fixtures.array([1, 2, 3], long, [3])]) }
        #expect(text.contains("dtype <") && text.utf8.count < 300, "\(text.utf8.count) bytes")
    }

    @Test func findsRenamedAndNestedFeatures() throws {
        let names = FeatureNames(["state": "observation/state", "img": "images/top"])
        let entries = Fixtures.entries
        let (request, remarks) = try read(
            [
                "state": nil, "img": nil, "observation/state": entries["state"],
                "images": .map([.init(.string("top"), entries["img"] ?? .null)]),
            ], names: names)
        #expect(request.observations == Fixtures.request.observations)
        #expect(remarks == PolicyRequest.Remarks())
    }

    @Test func takesScalarsOfNumPy() throws {
        #expect(try read(["seed": Fixtures.scalar(.unsigned(7), "<i8")]).request.seed == 7)
        let list = MessagePackValue.array((1...3).map { Fixtures.scalar(.float64(Double($0) / 2), "<f4") })
        #expect(
            try read(["state": list]).request.observations.map { $0.vectors["state"] } == [
                [0.5, 1, 1.5], [0.5, 1, 1.5],
            ])
        #expect(try read(["seed": .null]).request.seed == nil)
    }

    static let hostile: [(String, MessagePackValue?, String)] = [
        ("state", nil, "expected numbers of shape [2, 3], found only img, keypoint"),
        ("state", Fixtures.doubles([1, 2], [2]), "expected shape [2, 3], or [3] for one frame, found [2]"),
        ("state", Fixtures.doubles([Float](repeating: 0, count: 9), [3, 3]), "found [3, 3]"),
        ("state", Fixtures.doubles([1, 2, .nan], [3]), "finite"),
        ("state", Fixtures.doubles([1, 2, .infinity], [3]), "finite"),
        ("state", Fixtures.array([1, 2, 3], "|O", [3]), "never unpickled"),
        ("state", Fixtures.array([1, 2, 3], "<c8", [3]), "dtype <c8"),
        ("state", Fixtures.array([1, 2, 3], "<f8", [3]), "3 bytes"),
        ("state", Fixtures.array([], "<f8", [1 << 62, 1 << 62]), "0 bytes"),
        ("state", Fixtures.array([], "<f8", [-1]), "a shape of whole numbers"),
        ("state", Fixtures.array([], "<f8", [Int](repeating: 1, count: 40)), "a shape"),
        ("state", .string("123"), "an array or a list"),
        ("state", .array([Fixtures.doubles([1, 2, 3], [3])]), "found an array; make one array of them"),
        ("state", .array([.array([.integer(1)]), .integer(2)]), "lists of one length"),
        ("state", .map([.init(.binary(Array("__ndarray__".utf8)), .boolean(true))]), "binary"),
        ("img", Fixtures.doubles([Float](repeating: 0, count: 36), [2, 2, 3, 3]), "dtype uint8"),
        ("img", Fixtures.array([UInt8](repeating: 0, count: 36), "|u1", [2, 3, 2, 3]), "shape [2, 2, 3, 3]"),
        ("seed", .negative(-1), "found -1"), ("seed", .float64(0.5), "found 0.5"), ("seed", .string("x"), "text"),
        ("noise", Fixtures.doubles([1, 2], [2]), "shape [4, 2]"),
        ("noise", Fixtures.doubles([Float](repeating: .nan, count: 8), [4, 2]), "finite"),
        ("start", Fixtures.doubles([1, 2], [2]), "shape [4, 2]"),
        ("prediction", .integer(1), "true or false"),
    ]

    @Test(arguments: [nil, .null, .integer(0), .float64(1.5), .float64(.nan), .string("half")] as [MessagePackValue?])
    func refusesAStartWithoutStrength(_ share: MessagePackValue?) throws {
        let start = Fixtures.doubles([Float](repeating: 1, count: 8), [4, 2])
        let text = message { _ = try read(["start": start, "start_strength": share]) }
        #expect(text.contains("\"start_strength\"") && text.contains("above 0 and at most 1"), "\(text)")
        #expect(try read(["start": start, "start_strength": .integer(1)]).request.start?.strength == 1)
    }

    @Test(arguments: hostile.indices) func refuses(_ index: Int) {
        let (field, value, words) = Self.hostile[index]
        let text = message { _ = try read([field: value]) }
        #expect(text.contains("\"\(field)\"") && text.contains(words), "\(text)")
    }

    @Test(
        arguments: [
            .null, .array([]), .string("x"), Fixtures.array([], "|u1", [0]), .map([.init(.integer(1), .null)]),
            .map([.init(.string("a"), .null), .init(.binary([0x61]), .null)]),
        ] as [MessagePackValue])
    func refusesWhatIsNoMapOfFields(_ value: MessagePackValue) {
        #expect(throws: InputError.self) { try PolicyRequest.read(value, for: Fixtures.policy) }
    }

    @Test func refusesNamesThatContradict() {
        let schema = Fixtures.policy.observations
        #expect(message { try FeatureNames(["speed": "v"]).validate(for: schema) }.contains("found speed"))
        #expect(message { try FeatureNames(["state": "img"]).validate(for: schema) }.contains("img for img and state"))
        let long = String(repeating: "n", count: 257)
        #expect(message { try FeatureNames(["state": long]).validate(for: schema) }.contains("at most 256 bytes"))
        #expect(throws: Never.self) { try FeatureNames(["state": "img", "img": "state"]).validate(for: schema) }
    }
}
