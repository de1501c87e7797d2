import DPBase
package import DPInterface

/// The names of a policy's features in messages, which may differ from the policy's own.
package struct FeatureNames: Sendable, Equatable {
    /// The largest number of UTF-8 bytes of a name in messages, including the names of enclosing maps and the
    /// slashes between them.
    static let longest = 256

    private let messages: [String: String]

    /// Creates names from a dictionary of policy names to message names; other features keep their names.
    package init(_ messages: [String: String] = [:]) { self.messages = messages }

    /// Returns the message name of a feature of the policy.
    package func inMessages(_ field: String) -> String { messages[field] ?? field }

    /// Checks that each renamed feature belongs to the policy, and that the message names are unique and not too
    /// long.
    /// - Throws: `InputError`.
    package func validate(for schema: ObservationSchema) throws {
        let fields = Set(schema.features.map(\.name) + schema.images.map(\.name))
        for field in messages.keys.sorted() where !fields.contains(field) {
            throw InputError(
                key: "feature name", expected: "a feature of the policy (\(fields.sorted().joined(separator: ", ")))",
                found: field)
        }
        var owners: [String: String] = [:]
        for field in fields.sorted() {
            let bytes = inMessages(field).utf8.count
            guard bytes <= Self.longest else {
                throw InputError(
                    key: "feature name", expected: "a name of at most \(Self.longest) bytes in messages for \(field)",
                    found: bytes)
            }
            if let other = owners.updateValue(field, forKey: inMessages(field)) {
                throw InputError(
                    key: "feature name", expected: "a different name for each feature",
                    found: "\(inMessages(field)) for \(other) and \(field)")
            }
        }
    }
}
