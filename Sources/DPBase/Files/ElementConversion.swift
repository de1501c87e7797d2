extension ElementType {
    /// Decodes little-endian numbers of this type to single precision.
    /// - Precondition: `bytes` holds exactly `values.count` numbers.
    package func decode(_ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>) {
        precondition(bytes.count == values.count * byteCount, "\(bytes.count) bytes for \(values.count) \(self)")
        func each<Stored: BitwiseCopyable>(_: Stored.Type, _ convert: (Stored) -> Float) {
            for index in values.indices {
                values[index] = convert(
                    bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self))
            }
        }
        switch self {
        case .float32: UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
        case .float64: each(Double.self) { Float($0) }
        case .float16: each(UInt16.self) { Float(Float16(bitPattern: UInt16(littleEndian: $0))) }
        case .bfloat16: each(UInt16.self) { Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16) }
        case .int64: each(Int64.self) { Float(Int64(littleEndian: $0)) }
        case .int32: each(Int32.self) { Float(Int32(littleEndian: $0)) }
        case .int16: each(Int16.self) { Float(Int16(littleEndian: $0)) }
        case .int8: each(Int8.self) { Float($0) }
        case .uint64: each(UInt64.self) { Float(UInt64(littleEndian: $0)) }
        case .uint32: each(UInt32.self) { Float(UInt32(littleEndian: $0)) }
        case .uint16: each(UInt16.self) { Float(UInt16(littleEndian: $0)) }
        case .uint8: each(UInt8.self) { Float($0) }
        case .bool: each(UInt8.self) { $0 == 0 ? 0 : 1 }
        }
    }

    /// Decodes little-endian numbers of this type to double precision, which holds whole numbers of up to 53 bits.
    package func decodeDoubles(_ bytes: UnsafeRawBufferPointer) -> [Double] {
        func each<Stored: BitwiseCopyable>(_: Stored.Type, _ convert: (Stored) -> Double) -> [Double] {
            stride(from: 0, to: bytes.count, by: byteCount).map {
                convert(bytes.loadUnaligned(fromByteOffset: $0, as: Stored.self))
            }
        }
        switch self {
        case .float64: return each(UInt64.self) { Double(bitPattern: UInt64(littleEndian: $0)) }
        case .int64: return each(Int64.self) { Double(Int64(littleEndian: $0)) }
        case .int32: return each(Int32.self) { Double(Int32(littleEndian: $0)) }
        case .uint64: return each(UInt64.self) { Double(UInt64(littleEndian: $0)) }
        case .uint32: return each(UInt32.self) { Double(UInt32(littleEndian: $0)) }
        case .float32, .float16, .bfloat16, .int16, .int8, .uint16, .uint8, .bool:
            var values = [Float](repeating: 0, count: bytes.count / byteCount)
            values.withUnsafeMutableBufferPointer { decode(bytes, into: $0) }
            return values.map(Double.init)
        }
    }

    /// Decodes little-endian whole numbers of this type, or returns `nil` if this is not an integer type or a
    /// number does not fit in `Int64`.
    package func decodeIntegers(_ bytes: UnsafeRawBufferPointer) -> [Int64]? {
        func each<Stored: FixedWidthInteger & BitwiseCopyable>(_: Stored.Type) -> [Int64]? {
            var values: [Int64] = []
            values.reserveCapacity(bytes.count / byteCount)
            for offset in stride(from: 0, to: bytes.count, by: byteCount) {
                let stored = Stored(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Stored.self))
                guard let value = Int64(exactly: stored) else { return nil }
                values.append(value)
            }
            return values
        }
        return switch self {
        case .float64, .float32, .float16, .bfloat16: nil
        case .int64: each(Int64.self)
        case .int32: each(Int32.self)
        case .int16: each(Int16.self)
        case .int8: each(Int8.self)
        case .uint64: each(UInt64.self)
        case .uint32: each(UInt32.self)
        case .uint16: each(UInt16.self)
        case .uint8, .bool: each(UInt8.self)
        }
    }
}

/// Returns the bfloat16 nearest to a number, ties to even; NaN stays NaN.
///
/// (The rounding of IEEE 754 applied to the upper half of the bit pattern.)
package func bfloat16Bits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(bits >> 16) | 0x0040 }
    return UInt16((bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
}

extension ElementType {
    /// Returns the little-endian bytes of one number.
    ///
    /// Floating-point types round to the nearest number. Integer types truncate toward zero and limit numbers to their
    /// range; NaN becomes 0. `bool` is 0 for zero and 1 otherwise.
    package func encode(_ value: Double) -> [UInt8] {
        func bytes(_ value: some BitwiseCopyable) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
        func whole<Stored: FixedWidthInteger & BitwiseCopyable>(_: Stored.Type) -> [UInt8] {
            let whole = value.isNaN ? 0 : value.rounded(.towardZero)
            return bytes((Stored(exactly: whole) ?? (whole < 0 ? .min : .max)).littleEndian)
        }
        return switch self {
        case .float64: bytes(value.bitPattern.littleEndian)
        case .float32: bytes(Float(value).bitPattern.littleEndian)
        case .float16: bytes(Float16(value).bitPattern.littleEndian)
        case .bfloat16: bytes(bfloat16Bits(Float(value)).littleEndian)
        case .int64: whole(Int64.self)
        case .int32: whole(Int32.self)
        case .int16: whole(Int16.self)
        case .int8: whole(Int8.self)
        case .uint64: whole(UInt64.self)
        case .uint32: whole(UInt32.self)
        case .uint16: whole(UInt16.self)
        case .uint8: whole(UInt8.self)
        case .bool: [value == 0 ? 0 : 1]
        }
    }
}
