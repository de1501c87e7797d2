/// Decodes a value from a recipe's tree and remembers which keys it was asked for, so that all others can be refused.
struct RecipeDecoder: Decoder {
    let tree: RecipeTree
    let codingPath: [any CodingKey]
    let asked: AskedKeys
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// Decodes a value of which every key of the tree is a part.
    /// - Throws: `RecipeError` naming file, line, key, what was expected and what was found.
    static func decode<Value: Decodable>(_ type: Value.Type, from tree: RecipeTree) throws -> Value {
        let asked = AskedKeys()
        let decoder = RecipeDecoder(tree: tree, codingPath: [], asked: asked)
        let value: Value
        do { value = try Value(from: decoder) } catch let error as DecodingError {
            throw RecipeError(error, in: tree)
        }
        try asked.refuseOthers(in: tree)
        return value
    }

    var path: String { dotted(codingPath) }

    func mismatch(_ expected: String) -> RecipeError {
        RecipeError(place: tree.place, key: path.isEmpty ? nil : path, expected: expected, found: tree.summary)
    }

    /// Decodes a value; the refusal of a name tells those that there are.
    fileprivate func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do { return try Value(from: self) } catch let error as DecodingError {
            guard let names = names(of: type), !names.isEmpty else { throw error }
            let other = Self.synonyms[tree.summary.lowercased()].flatMap { names.contains($0) ? $0 : nil }
            let hint = (other ?? nearest(to: tree.summary, among: names)).map { "did you mean \($0)?" }
            throw RecipeError(
                place: tree.place, key: path, expected: "one of \(names.joined(separator: ", "))", found: tree.summary,
                hint: hint)
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .mapping = tree.content else { throw mismatch("a mapping of keys and values") }
        asked.open(path)
        return KeyedDecodingContainer(KeyedRecipe<Key>(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .sequence(let items) = tree.content else { throw mismatch("a list") }
        return RecipeList(decoder: self, items: items)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { RecipeScalar(decoder: self) }

    func child(_ tree: RecipeTree, _ key: any CodingKey) -> RecipeDecoder {
        RecipeDecoder(tree: tree, codingPath: codingPath + [key], asked: asked)
    }
}

/// The keys that a decoding asked for, by the path of their mapping.
final class AskedKeys {
    private var keys: [String: [String]] = [:]

    func open(_ path: String) { keys[path, default: []] += [] }
    func ask(_ key: String, at path: String) { keys[path, default: []].append(key) }

    /// Refuses keys that nothing asked for.
    func refuseOthers(in tree: RecipeTree, path: String = "") throws {
        switch tree.content {
        case .scalar: return
        case .sequence(let items):
            for (index, item) in items.enumerated() { try refuseOthers(in: item, path: join(path, "\(index)")) }
        case .mapping(let entries):
            guard let known = keys[path] else { return }
            for entry in entries {
                guard known.contains(entry.key) else { throw unknown(entry, at: path) }
                try refuseOthers(in: entry.value, path: join(path, entry.key))
            }
        }
    }

    /// The refusal of a key, with the nearest known one: of the same mapping, or one that is written almost the same elsewhere.
    private func unknown(_ entry: RecipeTree.Entry, at path: String) -> RecipeError {
        let candidates = keys.sorted { $0.key < $1.key }.flatMap { parent, names in
            names.map { (path: join(parent, $0), cost: editDistance(entry.key, $0) + (parent == path ? 0 : 2)) }
        }
        let suggestion = candidates.min { $0.cost < $1.cost }?.path
        return RecipeError(
            place: entry.value.place, key: join(path, entry.key), expected: "a known key",
            found: "\"\(entry.key)\"", hint: suggestion.map { "did you mean \($0)?" })
    }
}

private struct KeyedRecipe<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: RecipeDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        guard case .mapping(let entries) = decoder.tree.content else { return [] }
        return entries.compactMap { entry in
            let key = Key(stringValue: entry.key)
            if key != nil { decoder.asked.ask(entry.key, at: decoder.path) }
            return key
        }
    }

    func contains(_ key: Key) -> Bool {
        decoder.asked.ask(key.stringValue, at: decoder.path)
        return decoder.tree[key.stringValue] != nil
    }

    private func child(_ key: some CodingKey) throws -> RecipeDecoder {
        decoder.asked.ask(key.stringValue, at: decoder.path)
        guard let value = decoder.tree[key.stringValue] else {
            throw RecipeError(
                place: decoder.tree.place, key: decoder.path.isEmpty ? nil : decoder.path,
                expected: "a key \"\(key.stringValue)\"", found: decoder.tree.summary)
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

/// A place in a list, as a key.
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
    /// What others call the same, and what it is called in a recipe.
    private static let synonyms = [
        "noise": "epsilon", "eps": "epsilon", "x0": "sample", "x_0": "sample", "x_start": "sample",
        "velocity": "v_prediction", "v": "v_prediction", "cosine": "squaredcos_cap_v2", "min_max": "limits",
        "minmax": "limits", "mean_std": "gaussian", "meanstd": "gaussian", "none": "identity", "push_t": "pusht",
        "push-t": "pusht",
    ]
}

/// How the cases of an enumeration are written; nil for any other type.
private func names(of type: any Any.Type) -> [String]? {
    func names<Value: CaseIterable & RawRepresentable>(_ type: Value.Type) -> [String] {
        type.allCases.map { "\($0.rawValue)" }
    }
    return (type as? any (CaseIterable & RawRepresentable).Type).map { names($0) }
}

func dotted(_ path: [any CodingKey]) -> String { path.map(\.stringValue).joined(separator: ".") }

private func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
