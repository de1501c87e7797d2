extension MessagePackValue {
    /// The bytes of the value, each number and length in the shortest form that holds it.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    private func encode(into bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(0xC0)
        case .boolean(let value): bytes.append(value ? 0xC3 : 0xC2)
        case .negative(let value): bytes.append(signed: value)
        case .unsigned(let value): bytes.append(unsigned: value)
        case .float32(let value):
            bytes.append(0xCA)
            bytes.append(bigEndian: UInt64(value.bitPattern), bytes: 4)
        case .float64(let value):
            bytes.append(0xCB)
            bytes.append(bigEndian: value.bitPattern, bytes: 8)
        case .string(let text):
            bytes.append(length: text.utf8.count, short: 0xA0, to: 31, formats: 0xD9, from: 1)
            bytes += text.utf8
        case .binary(let content):
            bytes.append(length: content.count, formats: 0xC4, from: 1)
            bytes += content
        case .array(let values):
            bytes.append(length: values.count, short: 0x90, to: 15, formats: 0xDC, from: 2)
            for value in values { value.encode(into: &bytes) }
        case .map(let entries):
            bytes.append(length: entries.count, short: 0x80, to: 15, formats: 0xDE, from: 2)
            for entry in entries {
                entry.key.encode(into: &bytes)
                entry.value.encode(into: &bytes)
            }
        case .custom(let type, let content):
            if let exponent = [1, 2, 4, 8, 16].firstIndex(of: content.count) {
                bytes.append(0xD4 + UInt8(exponent))
            } else {
                bytes.append(length: content.count, formats: 0xC7, from: 1)
            }
            bytes.append(UInt8(bitPattern: type))
            bytes += content
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(unsigned value: UInt64) {
        switch value {
        case 0...0x7F: append(UInt8(value))
        case 0...0xFF: append(format: 0xCC, value, bytes: 1)
        case 0...0xFFFF: append(format: 0xCD, value, bytes: 2)
        case 0...0xFFFF_FFFF: append(format: 0xCE, value, bytes: 4)
        default: append(format: 0xCF, value, bytes: 8)
        }
    }

    fileprivate mutating func append(signed value: Int64) {
        let bits = UInt64(bitPattern: value)
        switch value {
        case 0...: append(unsigned: bits)
        case (-32)...: append(UInt8(truncatingIfNeeded: bits))
        case Int64(Int8.min)...: append(format: 0xD0, bits, bytes: 1)
        case Int64(Int16.min)...: append(format: 0xD1, bits, bytes: 2)
        case Int64(Int32.min)...: append(format: 0xD2, bits, bytes: 4)
        default: append(format: 0xD3, bits, bytes: 8)
        }
    }

    /// Appends a length: in the format byte if it is at most `longest`, else in the first of the formats that can
    /// hold it.
    /// - Precondition: 4 bytes can hold the length.
    /// - Parameter fewest: the number of bytes of the first format; each further one has twice as many, up to 4.
    fileprivate mutating func append(
        length: Int, short: UInt8 = 0, to longest: Int = -1, formats first: UInt8, from fewest: Int
    ) {
        if length <= longest { return append(short | UInt8(length)) }
        var (format, count) = (first, fewest)
        while count < 4, length >> (8 * count) > 0 { (format, count) = (format + 1, 2 * count) }
        append(format: format, UInt64(UInt32(length)), bytes: count)
    }

    private mutating func append(format: UInt8, _ number: UInt64, bytes count: Int) {
        append(format)
        append(bigEndian: number, bytes: count)
    }

    fileprivate mutating func append(bigEndian number: UInt64, bytes count: Int) {
        for index in (0..<count).reversed() { append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
    }
}
