import PolicyMessages
import TestSupport
import Testing

/// MessagePack, there and back, and what is refused.
@Suite struct MessagePackTests {
    static let values: [MessagePackValue] = [
        .null, .boolean(true), .boolean(false), .unsigned(0), .unsigned(127), .unsigned(128), .unsigned(.max),
        .negative(-1), .negative(-32), .negative(-33), .negative(.min), .float32(1.5), .float64(0.1), .string(""),
        .string("grüße"), .string(String(repeating: "x", count: 70_000)), .binary([]), .binary([1, 2, 255]),
        .binary([UInt8](repeating: 7, count: 300)), .array([]), .array([.null, .unsigned(1)]), .map([]),
        .map([.init(.binary([1]), .array([.map([.init(.unsigned(1), .null)])]))]), .custom(type: -1, [1, 2, 3]),
        .custom(type: 5, [1, 2, 3, 4]), .array((0..<70_000).map { .integer($0 - 100) }),
    ]

    @Test(arguments: values.indices) func returnsAsItWent(_ index: Int) throws {
        let value = Self.values[index]
        #expect(try MessagePackValue(decoding: value.encoded) == value)
    }

    /// Every shortening of every message is noticed.
    @Test(arguments: values.indices) func noticesWhatIsMissing(_ index: Int) throws {
        let bytes = Self.values[index].encoded
        for count in Set([0, 1, 2, 3, 5, bytes.count / 2, bytes.count - 1]) where count < bytes.count {
            #expect(throws: MessageError.self) { try MessagePackValue(decoding: Array(bytes[..<count])) }
        }
    }

    @Test(
        arguments: [
            ([0xC1], "0xC1"),
            ([0xDD, 0xFF, 0xFF, 0xFF, 0xFF], "4294967295 declared"),
            ([0xDF, 0xFF, 0xFF, 0xFF, 0xFF], "8589934590 declared"),
            ([0xC6, 0xFF, 0xFF, 0xFF, 0xFF, 0], "4294967295 more bytes"),
            ([0xDB, 0x7F, 0xFF, 0xFF, 0xFF], "2147483647 more bytes"),
            ([0xC9, 0xFF, 0xFF, 0xFF, 0xFF, 0], "4294967296 more bytes"),
            ([0x92, 0xDC, 0x00, 0x02, 0xC0, 0xC0], "1 values"),
            ([0xC0, 0xC0], "1 more bytes"),
            ([0xA1, 0xFF], "UTF-8"),
        ] as [([UInt8], String)])
    func refuses(_ bytes: [UInt8], _ words: String) {
        #expect(message { _ = try MessagePackValue(decoding: bytes) }.contains(words))
    }

    @Test func refusesWhatIsDeep() throws {
        func nested(_ depth: Int) -> [UInt8] { [UInt8](repeating: 0x91, count: depth) + [0xC0] }
        let limits = MessagePackLimits(depth: 16)
        _ = try MessagePackValue(decoding: nested(16), limits: limits)
        #expect(message { _ = try MessagePackValue(decoding: nested(17), limits: limits) }.contains("at most 16"))
        #expect(throws: MessageError.self) { try MessagePackValue(decoding: nested(100_000)) }
    }

    @Test func refusesWhatIsLongOrHasTooManyValues() {
        let bytes = MessagePackValue.array([MessagePackValue](repeating: .null, count: 100)).encoded
        #expect(
            message { _ = try MessagePackValue(decoding: bytes, limits: MessagePackLimits(bytes: 102)) }
                .contains("at most 102 bytes"))
        #expect(
            message { _ = try MessagePackValue(decoding: bytes, limits: MessagePackLimits(values: 100)) }
                .contains("at most 100 values"))
        #expect(throws: Never.self) {
            try MessagePackValue(decoding: bytes, limits: MessagePackLimits(bytes: 103, values: 101))
        }
    }
}
