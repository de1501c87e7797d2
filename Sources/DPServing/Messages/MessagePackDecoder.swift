import DPBase

extension MessagePackValue {
    /// Decodes a message, after a check that its bytes match the lengths it declares.
    /// - Throws: `InputError` with the position of the byte.
    package init(decoding bytes: [UInt8], limits: MessagePackLimits = MessagePackLimits()) throws {
        try bytes.withUnsafeBytes { try MessagePackScan.check($0, limits: limits) }
        var decoder = MessagePackDecoder(bytes: bytes)
        self = try decoder.value()
    }
}

/// A decoder for messages that `MessagePackScan` has checked.
private struct MessagePackDecoder {
    let bytes: [UInt8]
    private var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Reads a value and its nested values.
    mutating func value() throws -> MessagePackValue {
        let format = UInt8(number(bytes: 1))
        switch format {
        case 0x00...0x7F: return .unsigned(UInt64(format))
        case 0x80...0x8F: return try map(count: Int(format & 0x0F))
        case 0x90...0x9F: return try array(count: Int(format & 0x0F))
        case 0xA0...0xBF: return try string(count: Int(format & 0x1F))
        case 0xC2, 0xC3: return .boolean(format == 0xC3)
        case 0xC4...0xC6: return .binary(take(length(format - 0xC4)))
        case 0xC7...0xC9: return custom(count: length(format - 0xC7))
        case 0xCA: return .float32(Float(bitPattern: UInt32(number(bytes: 4))))
        case 0xCB: return .float64(Double(bitPattern: number(bytes: 8)))
        case 0xCC...0xCF: return .unsigned(number(bytes: 1 << (format - 0xCC)))
        case 0xD0...0xD3: return signed(bytes: 1 << Int(format - 0xD0))
        case 0xD4...0xD8: return custom(count: 1 << (format - 0xD4))
        case 0xD9...0xDB: return try string(count: length(format - 0xD9))
        case 0xDC, 0xDD: return try array(count: length(format - 0xDC + 1))
        case 0xDE, 0xDF: return try map(count: length(format - 0xDE + 1))
        case 0xE0...0xFF: return .negative(Int64(Int8(bitPattern: format)))
        default: return .null
        }
    }

    private mutating func array(count: Int) throws -> MessagePackValue {
        .array(try (0..<count).map { _ in try value() })
    }

    private mutating func map(count: Int) throws -> MessagePackValue {
        .map(
            try (0..<count).map { _ in
                let key = try value()
                return MessagePackValue.Entry(key, try value())
            })
    }

    private mutating func string(count: Int) throws -> MessagePackValue {
        guard let text = String(validating: take(count), as: UTF8.self) else {
            throw InputError(at: "message", expected: "text in UTF-8", found: "other bytes; send them as binary")
        }
        return .string(text)
    }

    private mutating func custom(count: Int) -> MessagePackValue {
        let type = Int8(truncatingIfNeeded: number(bytes: 1))
        return .custom(type: type, take(count))
    }

    /// Reads a signed number.
    private mutating func signed(bytes count: Int) -> MessagePackValue {
        let unused = 64 - 8 * count
        let value = Int64(bitPattern: number(bytes: count) << unused) >> unused
        return value < 0 ? .negative(value) : .unsigned(UInt64(value))
    }

    /// Reads a length of 2 to the power of `exponent` bytes, which is 1, 2 or 4.
    private mutating func length(_ exponent: UInt8) -> Int { Int(number(bytes: 1 << exponent)) }

    /// Reads a big-endian number.
    private mutating func number(bytes count: Int) -> UInt64 {
        let start = offset
        offset += count
        return bytes[start..<offset].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func take(_ count: Int) -> [UInt8] {
        let start = offset
        offset += count
        return Array(bytes[start..<offset])
    }
}
