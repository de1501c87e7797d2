/// The element type of a tensor; the raw value is its name in safetensors.
package enum ElementType: String, Sendable, Codable, CaseIterable {
    /// IEEE binary64.
    case float64 = "F64"
    /// IEEE binary32.
    case float32 = "F32"
    /// IEEE binary16.
    case float16 = "F16"
    /// The upper half of a binary32.
    case bfloat16 = "BF16"
    /// 64-bit two's complement.
    case int64 = "I64"
    /// 32-bit two's complement.
    case int32 = "I32"
    /// 16-bit two's complement.
    case int16 = "I16"
    /// 8-bit two's complement.
    case int8 = "I8"
    /// 64-bit unsigned.
    case uint64 = "U64"
    /// 32-bit unsigned.
    case uint32 = "U32"
    /// 16-bit unsigned.
    case uint16 = "U16"
    /// 8-bit unsigned.
    case uint8 = "U8"
    /// One byte, 0 or 1.
    case bool = "BOOL"

    /// The size of one number in bytes.
    package var byteCount: Int {
        switch self {
        case .float64, .int64, .uint64: 8
        case .float32, .int32, .uint32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    /// Whether single precision cannot hold every number of this type.
    package var exceedsSinglePrecision: Bool {
        switch self {
        case .float64, .int64, .uint64, .int32, .uint32: true
        case .float32, .float16, .bfloat16, .int16, .int8, .uint16, .uint8, .bool: false
        }
    }

    /// Whether this is a floating-point type.
    package var isFloatingPoint: Bool {
        switch self {
        case .float64, .float32, .float16, .bfloat16: true
        case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool: false
        }
    }
}
