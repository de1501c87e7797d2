/// A value of MessagePack (specified at msgpack.org), a binary counterpart of JSON.
package enum MessagePackValue: Sendable, Equatable {
    /// No value, Python's `None`.
    case null
    /// A Boolean.
    case boolean(Bool)
    /// A negative integer.
    case negative(Int64)
    /// A nonnegative integer.
    case unsigned(UInt64)
    /// A number in float32.
    case float32(Float)
    /// A number in float64, the type of Python's floats.
    case float64(Double)
    /// Text.
    case string(String)
    /// Bytes.
    case binary([UInt8])
    /// A list.
    case array([MessagePackValue])
    /// Keys and values in the order in which they were sent; a key may be any value.
    case map([Entry])
    /// Bytes of an application-specific type.
    case custom(type: Int8, [UInt8])

    /// A key with its value.
    package struct Entry: Sendable, Equatable {
        /// The key.
        package var key: MessagePackValue
        /// Its value.
        package var value: MessagePackValue

        /// A key with its value.
        package init(_ key: MessagePackValue, _ value: MessagePackValue) {
            self.key = key
            self.value = value
        }
    }

    /// Creates an integer.
    package static func integer(_ value: Int) -> MessagePackValue {
        value < 0 ? .negative(Int64(value)) : .unsigned(UInt64(value))
    }

    /// The text of a string, or of bytes in UTF-8, because Python clients send some keys as bytes.
    var text: String? {
        switch self {
        case .string(let text): text
        case .binary(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    /// The number, if the value is one.
    var number: Double? {
        switch self {
        case .negative(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .float32(let value): Double(value)
        case .float64(let value): value
        default: nil
        }
    }

    /// The integer, if the value is one that `Int` can hold.
    var wholeNumber: Int? {
        switch self {
        case .negative(let value): Int(value)
        case .unsigned(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The value of a key in a map; nil if the key is missing or this is not a map.
    subscript(_ name: String) -> MessagePackValue? {
        guard case .map(let entries) = self else { return nil }
        return entries.first { $0.key.text == name }?.value
    }

    /// The kind of the value, for error messages.
    var kind: String {
        switch self {
        case .null: "nil"
        case .boolean: "a Boolean"
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
