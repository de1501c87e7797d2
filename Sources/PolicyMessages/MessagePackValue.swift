/// A value of MessagePack (the format's specification at msgpack.org), the binary cousin of JSON that robot clients speak.
public enum MessagePackValue: Sendable, Equatable {
    /// Nothing, Python's `None`.
    case null
    /// True or false.
    case boolean(Bool)
    /// A whole number below 0.
    case negative(Int64)
    /// A whole number from 0.
    case unsigned(UInt64)
    /// A number in float32.
    case float32(Float)
    /// A number in float64, such as each of Python's.
    case float64(Double)
    /// Text.
    case string(String)
    /// Bytes.
    case binary([UInt8])
    /// A list.
    case array([MessagePackValue])
    /// Keys with values, in the order in which they were sent; a key may be any value.
    case map([Entry])
    /// Bytes of a type that applications agree on.
    case custom(type: Int8, [UInt8])

    /// A key with its value.
    public struct Entry: Sendable, Equatable {
        /// The key.
        public var key: MessagePackValue
        /// Its value.
        public var value: MessagePackValue

        /// A key with its value.
        public init(_ key: MessagePackValue, _ value: MessagePackValue) {
            self.key = key
            self.value = value
        }
    }

    /// A whole number.
    public static func integer(_ value: Int) -> MessagePackValue {
        value < 0 ? .negative(Int64(value)) : .unsigned(UInt64(value))
    }

    /// The text of a string, or of bytes that are UTF-8: Python's clients send some keys as bytes.
    var text: String? {
        switch self {
        case .string(let text): text
        case .binary(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    /// The number, if it is one.
    var number: Double? {
        switch self {
        case .negative(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .float32(let value): Double(value)
        case .float64(let value): value
        default: nil
        }
    }

    /// The whole number, if it is one that an `Int` holds.
    var wholeNumber: Int? {
        switch self {
        case .negative(let value): Int(value)
        case .unsigned(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The value of a key in a map; nil if there is none or this is no map.
    subscript(_ name: String) -> MessagePackValue? {
        guard case .map(let entries) = self else { return nil }
        return entries.first { $0.key.text == name }?.value
    }

    /// What kind of value this is, for people to read.
    var kind: String {
        switch self {
        case .null: "nil"
        case .boolean: "a truth value"
        case .negative, .unsigned: "a whole number"
        case .float32, .float64: "a number"
        case .string: "text"
        case .binary(let bytes): "\(bytes.count) bytes"
        case .array(let values): "a list of \(values.count)"
        case .map(let entries): "a map of \(entries.count) keys"
        case .custom(let type, _): "an extension of type \(type)"
        }
    }
}
