import DPBase
import DPGraph

/// Decodes a value from a recipe's tree.
///
/// The keys of a recipe are the names of properties in snake_case.
struct RecipeDecoder: Decoder {
    let tree: RecipeTree
    let codingPath: [any CodingKey]
    /// Whether the keys of the mapping are the user's own and not names of properties.
    var isUserKeyed = false
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// Decodes a value.
    /// - Throws: `InputError` with file, line, key, the expected value and the found value.
    static func decode<Value: Decodable>(_ type: Value.Type, from tree: RecipeTree) throws -> Value {
        do { return try Value(from: RecipeDecoder(tree: tree, codingPath: [])) } catch let error as DecodingError {
            throw InputError(error, in: tree)
        }
    }

    var path: String { dotted(codingPath) }

    func mismatch(_ expected: String) -> InputError {
        InputError(at: tree.place, key: path.isEmpty ? nil : path, expected: expected, found: tree.summary)
    }

    /// Decodes a value; the error for an unknown name lists the valid names.
    fileprivate func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        var decoder = self
        decoder.isUserKeyed = type is any UserKeyed.Type
        do { return try Value(from: decoder) } catch let error as DecodingError {
            guard let names = names(of: type), !names.isEmpty else { throw error }
            let other = Self.synonyms[tree.summary.lowercased()].flatMap { names.contains($0) ? $0 : nil }
            let hint = (other ?? nearest(to: tree.summary, among: names)).map { "did you mean \($0)?" }
            throw InputError(
                at: tree.place, key: path, expected: "one of \(names.joined(separator: ", "))", found: tree.summary,
                hint: hint)
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .mapping = tree.content else { throw mismatch("a mapping of keys and values") }
        return KeyedDecodingContainer(KeyedRecipe<Key>(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .sequence(let items) = tree.content else { throw mismatch("a list") }
        return RecipeList(decoder: self, items: items)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { RecipeScalar(decoder: self) }

    func child(_ tree: RecipeTree, _ key: any CodingKey) -> RecipeDecoder {
        RecipeDecoder(tree: tree, codingPath: codingPath + [key])
    }
}

/// A dictionary, whose keys are not names of properties.
protocol UserKeyed {}
extension Dictionary: UserKeyed where Key == String {}

extension CodingKey {
    /// The key as it is written in a recipe: `batchSize` as `batch_size`.
    var snakeCased: String {
        stringValue.map { $0.isUppercase ? "_\($0.lowercased())" : "\($0)" }.joined()
    }
}

private struct KeyedRecipe<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: RecipeDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        guard case .mapping(let entries) = decoder.tree.content else { return [] }
        return entries.compactMap { Key(stringValue: $0.key) }
    }

    func contains(_ key: Key) -> Bool { decoder.tree[name(of: key)] != nil }

    private func name(of key: some CodingKey) -> String { decoder.isUserKeyed ? key.stringValue : key.snakeCased }

    private func child(_ key: some CodingKey) throws -> RecipeDecoder {
        guard let value = decoder.tree[name(of: key)] else {
            throw InputError(
                at: decoder.tree.place, key: decoder.path.isEmpty ? nil : decoder.path,
                expected: "a key \"\(name(of: key))\"", found: decoder.tree.summary)
        }
        return decoder.child(value, key)
    }

    func decodeNil(forKey key: Key) throws -> Bool { try child(key).tree.isNull }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try child(key).decode(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { try child(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }
}

private struct RecipeList: UnkeyedDecodingContainer {
    let decoder: RecipeDecoder
    let items: [RecipeTree]
    var currentIndex = 0
    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { items.count }
    var isAtEnd: Bool { currentIndex == items.count }

    private mutating func next() throws -> RecipeDecoder {
        guard !isAtEnd else { throw decoder.mismatch("a list of more than \(items.count)") }
        defer { currentIndex += 1 }
        return decoder.child(items[currentIndex], Index(intValue: currentIndex))
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, items[currentIndex].isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }

    mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
}

/// An index in a list, as a coding key.
private struct Index: CodingKey {
    let position: Int
    var stringValue: String { "\(position)" }
    var intValue: Int? { position }

    init(intValue: Int) { position = intValue }
    init?(stringValue: String) {
        guard let position = Int(stringValue) else { return nil }
        self.position = position
    }
}

extension RecipeDecoder {
    /// Names in common use elsewhere, with the corresponding names in recipes.
    private static let synonyms = [
        "noise": "epsilon", "eps": "epsilon", "x0": "sample", "x_0": "sample", "x_start": "sample",
        "velocity": "v_prediction", "v": "v_prediction", "cosine": "squaredcos_cap_v2", "min_max": "limits",
        "minmax": "limits", "mean_std": "gaussian", "meanstd": "gaussian", "none": "identity", "push_t": "pusht",
        "push-t": "pusht",
    ]
}

/// Returns the names of an enumeration's cases; nil for any other type.
private func names(of type: any Any.Type) -> [String]? {
    func names<Value: CaseIterable & RawRepresentable>(_ type: Value.Type) -> [String] {
        type.allCases.map { "\($0.rawValue)" }
    }
    return (type as? any (CaseIterable & RawRepresentable).Type).map { names($0) }
}

func dotted(_ path: [any CodingKey]) -> String { path.map(\.snakeCased).joined(separator: ".") }

func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
