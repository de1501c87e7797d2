import DPBase

/// A check of a message's bytes against the lengths it declares, before anything is decoded or allocated.
///
/// The decoder that runs afterward reserves memory for as many elements as a list declares, so a list of four
/// billion elements in a message of five bytes must not reach it.
struct MessagePackScan {
    private let bytes: UnsafeRawBufferPointer
    private let limits: MessagePackLimits
    private var offset = 0
    private var values = 0
    /// The number of values still missing from each open list or map, the outermost first.
    private var open: [Int] = []
    /// The number of values still missing in total, each of which takes at least one byte.
    private var wanted = 1

    private init(_ bytes: UnsafeRawBufferPointer, _ limits: MessagePackLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Checks that bytes are exactly one value and within limits.
    /// - Throws: `InputError` with the position of the byte.
    static func check(_ bytes: UnsafeRawBufferPointer, limits: MessagePackLimits) throws {
        guard bytes.count <= limits.bytes else {
            throw InputError(at: "message", expected: "at most \(limits.bytes) bytes", found: "\(bytes.count)")
        }
        var scan = MessagePackScan(bytes, limits)
        while scan.wanted > 0 { try scan.value() }
        guard scan.offset == bytes.count else {
            throw InputError(
                at: "message, byte \(scan.offset)", expected: "the end of the message",
                found: "\(bytes.count - scan.offset) more bytes")
        }
    }

    /// Skips a value, or enters it if it is a list or map.
    private mutating func value() throws {
        let start = offset
        values += 1
        guard values <= limits.values else {
            throw InputError(
                at: "message, byte \(start)", expected: "at most \(limits.values) values", found: "more",
                hint: "send numbers as NumPy arrays")
        }
        let format = UInt8(try integer(bytes: 1))
        closeOne()
        switch format {
        case 0x00...0x7F, 0xE0...0xFF, 0xC0, 0xC2, 0xC3: break
        case 0x80...0x8F: try enter(2 * Int(format & 0x0F), at: start)
        case 0x90...0x9F: try enter(Int(format & 0x0F), at: start)
        case 0xA0...0xBF: try skip(Int(format & 0x1F))
        case 0xC4...0xC6: try skip(try integer(bytes: 1 << (Int(format) - 0xC4)))
        case 0xC7...0xC9: try skip(try integer(bytes: 1 << (Int(format) - 0xC7)) + 1)
        case 0xCA, 0xCE, 0xD2: try skip(4)
        case 0xCB, 0xCF, 0xD3: try skip(8)
        case 0xCC, 0xD0: try skip(1)
        case 0xCD, 0xD1: try skip(2)
        case 0xD4...0xD8: try skip(1 + 1 << (Int(format) - 0xD4))
        case 0xD9...0xDB: try skip(try integer(bytes: 1 << (Int(format) - 0xD9)))
        case 0xDC, 0xDD: try enter(try integer(bytes: format == 0xDC ? 2 : 4), at: start)
        case 0xDE, 0xDF: try enter(2 * (try integer(bytes: format == 0xDE ? 2 : 4)), at: start)
        default:
            throw InputError(at: "message, byte \(start)", expected: "a MessagePack value", found: "the byte 0xC1")
        }
        while open.last == 0 { open.removeLast() }
    }

    /// Counts a value of the innermost open list or map.
    private mutating func closeOne() {
        wanted -= 1
        if !open.isEmpty { open[open.count - 1] -= 1 }
    }

    /// Opens a list or map with a number of values.
    private mutating func enter(_ count: Int, at start: Int) throws {
        guard count <= bytes.count - offset - wanted else {
            throw InputError(
                at: "message, byte \(start)", expected: "at most \(max(bytes.count - offset - wanted, 0)) values",
                found: "\(count) declared")
        }
        open.append(count)
        wanted += count
        // Lists and maps whose last value is this one are still open, and count.
        guard open.count <= limits.depth else {
            throw InputError(
                at: "message, byte \(start)", expected: "at most \(limits.depth) levels of nested lists and maps",
                found: "more")
        }
    }

    /// Skips bytes.
    private mutating func skip(_ count: Int) throws {
        guard count <= bytes.count - offset else {
            throw InputError(
                at: "message, byte \(offset)", expected: "\(count) more bytes", found: "\(bytes.count - offset)")
        }
        offset += count
    }

    /// Reads a big-endian number of 1, 2 or 4 bytes.
    private mutating func integer(bytes count: Int) throws -> Int {
        let start = offset
        try skip(count)
        return bytes[start..<offset].reduce(0) { $0 << 8 | Int($1) }
    }
}
