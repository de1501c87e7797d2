/// The 64-bit hash FNV-1a (Fowler, Noll and Vo) of a sequence of words.
///
/// It distinguishes values and does not protect against forgery.
package struct FNV1a: Sendable {
    /// The hash of all words so far.
    package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Creates the hash of an empty sequence.
    package init() {}

    /// Adds a word; the published function takes one byte per word.
    package mutating func combine(_ word: UInt64) { value = (value ^ word) &* 0x0000_0100_0000_01B3 }

    /// Adds the bit pattern of each number as a word.
    package mutating func combine(_ numbers: [Float]) {
        for number in numbers { combine(UInt64(number.bitPattern)) }
    }

    /// Adds bytes, eight per word, padding the last word with zeros.
    package mutating func combine(bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            let whole = bytes.count / 8 * 8
            for offset in stride(from: 0, to: whole, by: 8) {
                combine(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            }
            if whole < bytes.count { combine(bytes[whole...].reversed().reduce(0) { $0 << 8 | UInt64($1) }) }
        }
    }

    /// Adds the UTF-8 bytes of a text, one per word.
    package mutating func combine(_ text: String) {
        for byte in text.utf8 { combine(UInt64(byte)) }
    }

    /// The hash as 16 hexadecimal digits.
    package var hexadecimal: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
