/// The 64-bit hash FNV-1a (Fowler, Noll and Vo), over the words that it is given: it tells things apart, and is no protection against
/// forgery.
public struct FNV1a: Sendable {
    /// The hash of all words so far.
    public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash of nothing.
    public init() {}

    /// Adds a word; the published function takes bytes, one a word.
    public mutating func combine(_ word: UInt64) { value = (value ^ word) &* 0x0000_0100_0000_01B3 }

    /// Adds numbers by their bits, each as a word.
    public mutating func combine(_ numbers: [Float]) {
        for number in numbers { combine(UInt64(number.bitPattern)) }
    }

    /// Adds bytes, eight a word, the last ones filled up with zeros.
    public mutating func combine(bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            let whole = bytes.count / 8 * 8
            for offset in stride(from: 0, to: whole, by: 8) {
                combine(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            }
            if whole < bytes.count { combine(bytes[whole...].reversed().reduce(0) { $0 << 8 | UInt64($1) }) }
        }
    }

    /// Adds a text by the bytes of its UTF-8.
    public mutating func combine(_ text: String) {
        for byte in text.utf8 { combine(UInt64(byte)) }
    }

    /// The hash as 16 hexadecimal digits.
    public var hexadecimal: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
