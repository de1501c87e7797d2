import DPBase
import DPServing
import TestSupport
import Testing

/// Encoding, decoding and rejection of MessagePack.
@Suite struct MessagePackTests {
    static let values: [MessagePackValue] = [
        .null, .boolean(true), .boolean(false), .unsigned(0), .unsigned(127), .unsigned(128), .unsigned(.max),
        .negative(-1), .negative(-32), .negative(-33), .negative(.min), .float32(1.5), .float64(0.1), .string(""),
        .string("grüße"), .string(String(repeating: "x", count: 70_000)), .binary([]), .binary([1, 2, 255]),
        .binary([UInt8](repeating: 7, count: 300)), .array([]), .array([.null, .unsigned(1)]), .map([]),
        .map([.init(.binary([1]), .array([.map([.init(.unsigned(1), .null)])]))]), .custom(type: -1, [1, 2, 3]),
        .custom(type: 5, [1, 2, 3, 4]), .array((0..<70_000).map { .integer($0 - 100) }),
    ]

    @Test(arguments: values.indices) func roundTrip(_ index: Int) throws {
        let value = Self.values[index]
        #expect(try MessagePackValue(decoding: value.encoded) == value)
    }

    /// The smallest and largest value of each format, with the first of its bytes in the specification, and the
    /// number of bytes.
    @Test(
        arguments: [
            (.unsigned(0x7F), [0x7F], 1), (.unsigned(0x80), [0xCC, 0x80], 2), (.unsigned(0xFF), [0xCC, 0xFF], 2),
            (.unsigned(0x100), [0xCD, 1, 0], 3), (.unsigned(0xFFFF), [0xCD, 0xFF, 0xFF], 3),
            (.unsigned(0x1_0000), [0xCE, 0, 1, 0, 0], 5), (.unsigned(0xFFFF_FFFF), [0xCE, 0xFF, 0xFF, 0xFF, 0xFF], 5),
            (.unsigned(0x1_0000_0000), [0xCF, 0, 0, 0, 1, 0, 0, 0, 0], 9),
            (.negative(-1), [0xFF], 1), (.negative(-32), [0xE0], 1), (.negative(-33), [0xD0, 0xDF], 2),
            (.negative(-128), [0xD0, 0x80], 2), (.negative(-129), [0xD1, 0xFF, 0x7F], 3),
            (.negative(-32_768), [0xD1, 0x80, 0], 3), (.negative(-32_769), [0xD2, 0xFF, 0xFF, 0x7F, 0xFF], 5),
            (.negative(-2_147_483_649), [0xD3, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF], 9),
            (.float32(-2), [0xCA, 0xC0, 0, 0, 0], 5), (.float64(1.5), [0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0], 9),
            (.string(text(31)), [0xBF, 0x78], 32), (.string(text(32)), [0xD9, 32, 0x78], 34),
            (.string(text(255)), [0xD9, 0xFF], 257), (.string(text(256)), [0xDA, 1, 0], 259),
            (.string(text(65_536)), [0xDB, 0, 1, 0, 0], 65_541),
            (.binary(bytes(255)), [0xC4, 0xFF], 257), (.binary(bytes(256)), [0xC5, 1, 0], 259),
            (.binary(bytes(65_536)), [0xC6, 0, 1, 0, 0], 65_541),
            (.array(nulls(15)), [0x9F, 0xC0], 16), (.array(nulls(16)), [0xDC, 0, 16, 0xC0], 19),
            (.array(nulls(65_536)), [0xDD, 0, 1, 0, 0, 0xC0], 65_541),
            (.map(entries(15)), [0x8F, 0xC0], 31), (.map(entries(16)), [0xDE, 0, 16, 0xC0], 35),
            (.custom(type: -1, bytes(1)), [0xD4, 0xFF, 7], 3), (.custom(type: 2, bytes(16)), [0xD8, 2, 7], 18),
            (.custom(type: 2, bytes(3)), [0xC7, 3, 2, 7], 6), (.custom(type: 2, bytes(256)), [0xC8, 1, 0, 2], 260),
        ] as [(MessagePackValue, [UInt8], Int)])
    func isAsSpecified(_ value: MessagePackValue, _ beginning: [UInt8], _ count: Int) throws {
        #expect(Array(value.encoded.prefix(beginning.count)) == beginning)
        #expect(value.encoded.count == count)
        #expect(try MessagePackValue(decoding: value.encoded) == value)
    }

    private static func text(_ count: Int) -> String { String(repeating: "x", count: count) }
    private static func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 7, count: count) }
    private static func nulls(_ count: Int) -> [MessagePackValue] { [MessagePackValue](repeating: .null, count: count) }
    private static func entries(_ count: Int) -> [MessagePackValue.Entry] { nulls(count).map { .init($0, $0) } }

    /// Other encoders may use longer forms for numbers and lengths than necessary.
    @Test func readsLongForms() throws {
        let bytes: [UInt8] = [
            0xDD, 0, 0, 0, 5, 0xD3, 0, 0, 0, 0, 0, 0, 0, 7, 0xD1, 0xFF, 0xFF, 0xDB, 0, 0, 0, 1, 0x78, 0xC5, 0, 1, 9,
            0xDF, 0, 0, 0, 1, 0xCF, 0, 0, 0, 0, 0, 0, 0, 1, 0xC9, 0, 0, 0, 1, 3, 4,
        ]
        let value = MessagePackValue.array([
            .unsigned(7), .negative(-1), .string("x"), .binary([9]),
            .map([.init(.unsigned(1), .custom(type: 3, [4]))]),
        ])
        #expect(try MessagePackValue(decoding: bytes) == value)
    }

    /// Every truncation of every message is detected.
    @Test(arguments: values.indices) func detectsMissingBytes(_ index: Int) throws {
        let bytes = Self.values[index].encoded
        for count in Set([0, 1, 2, 3, 5, bytes.count / 2, bytes.count - 1]) where count < bytes.count {
            #expect(throws: InputError.self) { try MessagePackValue(decoding: Array(bytes[..<count])) }
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

    @Test func refusesDeepNesting() throws {
        func nested(_ depth: Int) -> [UInt8] { [UInt8](repeating: 0x91, count: depth) + [0xC0] }
        let limits = MessagePackLimits(depth: 16)
        _ = try MessagePackValue(decoding: nested(16), limits: limits)
        #expect(message { _ = try MessagePackValue(decoding: nested(17), limits: limits) }.contains("at most 16"))
        #expect(throws: InputError.self) { try MessagePackValue(decoding: nested(100_000)) }
    }

    @Test func refusesLongMessagesAndTooManyValues() {
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
