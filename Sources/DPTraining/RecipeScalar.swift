import DPBase
import DPGraph

/// Decodes one number, Boolean or text of a recipe.
struct RecipeScalar: SingleValueDecodingContainer {
    let decoder: RecipeDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { decoder.tree.isNull }

    func decode(_ type: Bool.Type) throws -> Bool {
        try parse("true or false") { ["true": true, "false": false][$0] }
    }

    func decode(_ type: String.Type) throws -> String {
        guard case .scalar(let text, _) = decoder.tree.content, !decoder.tree.isNull else {
            throw decoder.mismatch("a text")
        }
        return text
    }

    func decode(_ type: Double.Type) throws -> Double { try number() }
    func decode(_ type: Float.Type) throws -> Float { try number() }
    func decode(_ type: Int.Type) throws -> Int { try integer() }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
    func decode(_ type: UInt.Type) throws -> UInt { try integer() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try Value(from: decoder) }

    /// Decodes a finite number, written like `100_000`, `0.5` or `1e-4`.
    private func number<Number: BinaryFloatingPoint & LosslessStringConvertible>() throws -> Number {
        try parse("a finite number") { text in
            Number(text.filter { $0 != "_" }).flatMap { $0.isFinite ? $0 : nil }
        }
    }

    private func integer<Number: FixedWidthInteger>() throws -> Number {
        try parse(expectation(of: Number.self)) {
            Number($0.filter { $0 != "_" })
        }
    }

    private func expectation<Number: FixedWidthInteger>(of type: Number.Type) -> String {
        Number.isSigned ? "a whole number" : "a whole number from 0"
    }

    private func parse<Value>(_ expected: String, _ read: (String) -> Value?) throws -> Value {
        guard case .scalar(let text, isQuoted: false) = decoder.tree.content, let value = read(text) else {
            throw decoder.mismatch(expected)
        }
        return value
    }
}

extension InputError {
    /// Creates the error for a value that a type's own decoding rejected.
    init(_ error: DecodingError, in tree: RecipeTree) {
        let context: DecodingError.Context =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context
            @unknown default: DecodingError.Context(codingPath: [], debugDescription: "\(error)")
            }
        var place = tree
        for key in context.codingPath {
            guard let next = place.element(key) else { break }
            place = next
        }
        self.init(
            at: place.place, key: context.codingPath.isEmpty ? nil : dotted(context.codingPath),
            expected: "a value of this kind", found: place.summary, hint: context.debugDescription)
    }
}

extension RecipeTree {
    fileprivate func element(_ key: any CodingKey) -> RecipeTree? {
        if case .sequence(let items) = content, let index = key.intValue, items.indices.contains(index) {
            return items[index]
        }
        return self[key.snakeCased] ?? self[key.stringValue]
    }
}
