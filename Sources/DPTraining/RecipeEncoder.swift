import DPGraph

/// Encodes a value as a recipe's tree, with its keys in declaration order.
final class RecipeEncoder: Encoder {
    private enum Content {
        case nothing
        case scalar(RecipeTree.Content)
        case mapping([(key: String, value: RecipeEncoder)])
        case sequence([RecipeEncoder])
    }

    private var content = Content.nothing
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// Whether the keys of the mapping are the user's own and not names of properties.
    private let isUserKeyed: Bool

    private init(codingPath: [any CodingKey], isUserKeyed: Bool = false) {
        self.codingPath = codingPath
        self.isUserKeyed = isUserKeyed
    }

    /// Returns the tree of a value.
    static func encode(_ value: some Encodable) throws -> RecipeTree {
        let encoder = RecipeEncoder(codingPath: [])
        try value.encode(to: encoder)
        return encoder.tree
    }

    private var tree: RecipeTree {
        let content: RecipeTree.Content =
            switch content {
            case .nothing: .scalar("null", isQuoted: false)
            case .scalar(let scalar): scalar
            case .mapping(let entries): .mapping(entries.map { RecipeTree.Entry(key: $0.key, value: $0.value.tree) })
            case .sequence(let items): .sequence(items.map(\.tree))
            }
        return RecipeTree(content, place: "recipe")
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .nothing = content { content = .mapping([]) }
        return KeyedEncodingContainer(Keyed<Key>(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .nothing = content { content = .sequence([]) }
        return List(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Scalar(encoder: self) }

    private func child(_ key: any CodingKey, of type: (any Encodable.Type)? = nil) -> RecipeEncoder {
        guard case .mapping(var entries) = content else { preconditionFailure("keys in something else") }
        let child = RecipeEncoder(codingPath: codingPath + [key], isUserKeyed: type is any UserKeyed.Type)
        entries.append((isUserKeyed ? key.stringValue : key.snakeCased, child))
        content = .mapping(entries)
        return child
    }

    private var count: Int { if case .sequence(let items) = content { items.count } else { 0 } }

    private func child() -> RecipeEncoder {
        guard case .sequence(var items) = content else { preconditionFailure("items in something else") }
        let child = RecipeEncoder(codingPath: codingPath)
        items.append(child)
        content = .sequence(items)
        return child
    }

    private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let encoder: RecipeEncoder
        var codingPath: [any CodingKey] { encoder.codingPath }

        func encodeNil(forKey key: Key) { Scalar(encoder: encoder.child(key)).encodeNil() }
        func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
            try value.encode(to: encoder.child(key, of: Value.self))
        }
        // An absent value is written as null, so that a file shows every setting.
        func encodeIfPresent<Value: Encodable>(_ value: Value?, forKey key: Key) throws {
            try encodeIfPresent(value, orNull: key)
        }
        func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try encodeIfPresent(value, orNull: key) }
        func encodeIfPresent(_ value: String?, forKey key: Key) throws { try encodeIfPresent(value, orNull: key) }
        func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try encodeIfPresent(value, orNull: key) }
        func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try encodeIfPresent(value, orNull: key) }
        func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try encodeIfPresent(value, orNull: key) }
        func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try encodeIfPresent(value, orNull: key) }
        private func encodeIfPresent<Value: Encodable>(_ value: Value?, orNull key: Key) throws {
            if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
        }
        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> { encoder.child(key).container(keyedBy: type) }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            encoder.child(key).unkeyedContainer()
        }
        func superEncoder() -> any Encoder { encoder }
        func superEncoder(forKey key: Key) -> any Encoder { encoder.child(key) }
    }

    private struct List: UnkeyedEncodingContainer {
        let encoder: RecipeEncoder
        var codingPath: [any CodingKey] { encoder.codingPath }
        var count: Int { encoder.count }

        func encodeNil() { Scalar(encoder: encoder.child()).encodeNil() }
        func encode(_ value: some Encodable) throws { try value.encode(to: encoder.child()) }
        func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
            encoder.child().container(keyedBy: type)
        }
        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.child().unkeyedContainer() }
        func superEncoder() -> any Encoder { encoder.child() }
    }

    private struct Scalar: SingleValueEncodingContainer {
        let encoder: RecipeEncoder
        var codingPath: [any CodingKey] { encoder.codingPath }

        private func set(_ text: String, isQuoted: Bool = false) {
            encoder.content = .scalar(.scalar(text, isQuoted: isQuoted))
        }

        /// Sets the shortest text that reads back as the same number, with a decimal point, which YAML 1.1 requires
        /// before an exponent.
        private func set(number text: String) {
            let hasPoint = text.contains(".")
            set(hasPoint ? text : text.split(separator: "e").joined(separator: ".0e"))
        }

        func encodeNil() { set("null") }
        func encode(_ value: Bool) { set("\(value)") }
        func encode(_ value: String) { set(value, isQuoted: !Self.isPlain(value)) }
        func encode(_ value: Double) { set(number: "\(value)") }
        func encode(_ value: Float) { set(number: "\(value)") }
        func encode(_ value: Int) { set("\(value)") }
        func encode(_ value: Int8) { set("\(value)") }
        func encode(_ value: Int16) { set("\(value)") }
        func encode(_ value: Int32) { set("\(value)") }
        func encode(_ value: Int64) { set("\(value)") }
        func encode(_ value: UInt) { set("\(value)") }
        func encode(_ value: UInt8) { set("\(value)") }
        func encode(_ value: UInt16) { set("\(value)") }
        func encode(_ value: UInt32) { set("\(value)") }
        func encode(_ value: UInt64) { set("\(value)") }
        func encode(_ value: some Encodable) throws { try value.encode(to: encoder) }

        /// Whether a text needs no quotes: a word that YAML cannot read as another type.
        private static func isPlain(_ text: String) -> Bool {
            let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
            return text.first?.isLetter == true && !words.contains(text.lowercased())
                && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
        }
    }
}
