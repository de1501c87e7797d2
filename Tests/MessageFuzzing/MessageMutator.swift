package import DPBase
package import DPServing
import Foundation

/// Generates nearly valid messages from valid ones: changes values and structure first, then bytes.
package struct MessageMutator {
    private let corpus: [MessagePackValue]

    /// Number of messages that a fuzz test reads: `DPOLICY_FUZZ_MESSAGES`, or few enough for regular runs.
    package static let count = ProcessInfo.processInfo.environment["DPOLICY_FUZZ_MESSAGES"].flatMap(Int.init) ?? 5_000

    /// Creates a mutator of valid messages.
    package init(corpus: [MessagePackValue]) { self.corpus = corpus }

    private static let oddities: [MessagePackValue] = [
        .null, .boolean(true), .unsigned(0), .unsigned(.max), .negative(-1), .negative(.min), .float64(.nan),
        .float64(.infinity), .float32(-0.0), .string(""), .string("__ndarray__"), .binary([]), .array([]), .map([]),
        .custom(type: -1, [0, 0, 0, 0]), .array([MessagePackValue](repeating: .array([]), count: 20)),
        array([], "<f8", [0]), array([0], "|O", [1]), array([], "<f8", [1 << 40, 0]),
        array([], String(repeating: "\u{301}", count: 1 << 12), [0]), crowded,
    ]

    /// Many values in a map with a long key.
    private static let crowded = MessagePackValue.map([
        .init(
            .string(String(repeating: "k", count: 1 << 16)),
            .map((0..<500).map { .init(.string("\($0)"), .null) }))
    ])

    private static func array(_ data: [UInt8], _ type: String, _ shape: [Int]) -> MessagePackValue {
        let entries: [(String, MessagePackValue)] = [
            ("__ndarray__", .boolean(true)), ("data", .binary(data)), ("dtype", .string(type)),
            ("shape", .array(shape.map { .integer($0) })),
        ]
        return .map(entries.map { .init(.binary(Array($0.0.utf8)), $0.1) })
    }

    /// Returns the message of a key.
    package func message(_ key: RandomKey) -> [UInt8] {
        var dice = Dice(key: key)
        var value = corpus[dice.roll(corpus.count)]
        for _ in 0..<dice.roll(3) { value = change(value, &dice) }
        var bytes = value.encoded
        for _ in 0..<dice.roll(3) { change(&bytes, &dice) }
        return bytes
    }

    /// Returns a value with one change.
    private func change(_ value: MessagePackValue, _ dice: inout Dice) -> MessagePackValue {
        if dice.roll(4) == 0 { return Self.oddities[dice.roll(Self.oddities.count)] }
        switch value {
        case .map(var entries) where !entries.isEmpty:
            let index = dice.roll(entries.count)
            switch dice.roll(8) {
            case 0: entries.remove(at: index)
            case 1: entries.append(entries[index])
            case 2: entries[index].key = change(entries[index].key, &dice)
            default: entries[index].value = change(entries[index].value, &dice)
            }
            return .map(entries)
        case .array(var values) where !values.isEmpty:
            let index = dice.roll(values.count)
            switch dice.roll(4) {
            case 0: values.remove(at: index)
            case 1: values.append(values[index])
            default: values[index] = change(values[index], &dice)
            }
            return .array(values)
        case .binary(var bytes):
            change(&bytes, &dice)
            return .binary(bytes)
        case .unsigned(let number): return .unsigned(dice.roll(2) == 0 ? number &+ 1 : number << UInt64(dice.roll(64)))
        case .string(let text): return .string(dice.roll(2) == 0 ? text + "x" : String(text.dropLast()))
        default: return Self.oddities[dice.roll(Self.oddities.count)]
        }
    }

    /// Changes some bytes: flips a bit, changes a format, removes bytes or repeats them.
    private func change(_ bytes: inout [UInt8], _ dice: inout Dice) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(dice.roll(256))) }
        let index = dice.roll(bytes.count)
        switch dice.roll(5) {
        case 0: bytes[index] ^= 1 << UInt8(dice.roll(8))
        case 1: bytes[index] = [0xC1, 0xC6, 0xC9, 0xDB, 0xDD, 0xDF, 0xFF, 0x00][dice.roll(8)]
        case 2: bytes.removeSubrange(index..<min(index + 1 + dice.roll(8), bytes.count))
        case 3: bytes.removeLast(bytes.count - index)
        default:
            let end = min(index + 1 + dice.roll(16), bytes.count)
            bytes.insert(contentsOf: bytes[index..<end], at: dice.roll(bytes.count))
        }
    }
}

/// Successive random numbers of a key.
private struct Dice {
    let key: RandomKey
    private var count = 0

    init(key: RandomKey) { self.key = key }

    /// Returns a number below `sides`.
    mutating func roll(_ sides: Int) -> Int {
        count += 1
        return key.integer(below: sides, at: count)
    }
}
