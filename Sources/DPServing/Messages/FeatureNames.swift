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
    package func inMessages(_ feature: String) -> String { messages[feature] ?? feature }

    /// Checks that each renamed feature belongs to the policy, and that the message names are unique and not too
    /// long.
    /// - Throws: `InputError`.
    package func validate(for schema: ObservationSchema) throws {
        let features = Set(schema.features.map(\.name) + schema.images.map(\.name))
        for feature in messages.keys.sorted() where !features.contains(feature) {
            throw InputError(
                key: "feature name", expected: "a feature of the policy (\(features.sorted().joined(separator: ", ")))",
                found: feature)
        }
        var owners: [String: String] = [:]
        for feature in features.sorted() {
            let bytes = inMessages(feature).utf8.count
            guard bytes <= Self.longest else {
                throw InputError(
                    key: "feature name", expected: "a name of at most \(Self.longest) bytes in messages for \(feature)",
                    found: bytes)
            }
            if let other = owners.updateValue(feature, forKey: inMessages(feature)) {
                throw InputError(
                    key: "feature name", expected: "a different name for each feature",
                    found: "\(inMessages(feature)) for \(other) and \(feature)")
            }
        }
    }
}
