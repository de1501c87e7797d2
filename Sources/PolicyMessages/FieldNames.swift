public import PolicyInterface

/// How the fields of a policy are called in messages: robots have names of their own.
public struct FieldNames: Sendable, Equatable {
    /// Bytes of UTF-8 that a name in messages may have, with those of the maps around it and the slashes between them.
    static let longest = 256

    private let messages: [String: String]

    /// The names that fields have in messages, by those that they have in the policy; the others keep theirs.
    public init(_ messages: [String: String] = [:]) { self.messages = messages }

    /// The name in messages of a field of the policy.
    public func inMessages(_ field: String) -> String { messages[field] ?? field }

    /// Checks that each renamed field is one of the policy, and that each has a name in messages of its own, which is not too long.
    /// - Throws: `InvalidSetting`.
    public func validate(for schema: ObservationSchema) throws {
        let fields = Set(schema.fields.map(\.name) + schema.images.map(\.name))
        for field in messages.keys.sorted() where !fields.contains(field) {
            throw InvalidSetting(
                key: "field name", expected: "a field of the policy (\(fields.sorted().joined(separator: ", ")))",
                found: field)
        }
        var owners: [String: String] = [:]
        for field in fields.sorted() {
            let bytes = inMessages(field).utf8.count
            guard bytes <= Self.longest else {
                throw InvalidSetting(
                    key: "field name", expected: "a name of at most \(Self.longest) bytes in messages for \(field)",
                    found: bytes)
            }
            if let other = owners.updateValue(field, forKey: inMessages(field)) {
                throw InvalidSetting(
                    key: "field name", expected: "another name for each field",
                    found: "\(inMessages(field)) for \(other) and \(field)")
            }
        }
    }
}
