import PolicyInterface

extension PolicyMetadata {
    /// Checks that robots which were told of this policy can ask another one in the same way; what it is called does not matter.
    /// - Throws: `InvalidSetting`, which says what differs.
    public func check(replacement other: PolicyMetadata) throws {
        let aspects: [(name: String, Description)] = [
            ("fields", \.fieldList), ("action dimension", { "\($0.actionDimension)" }), ("horizon", \.lengths),
        ]
        for (name, describe) in aspects where describe(self) != describe(other) {
            throw InvalidSetting(
                key: "policy, \(name)", expected: "\(describe(self)), as robots were told", found: describe(other))
        }
    }

    private typealias Description = (PolicyMetadata) -> String

    private var fieldList: String {
        fields.map { field in
            "\(field.isImage ? "image " : "")\(field.name) \(field.shape)"
                + (doubleFields.contains(field.name) ? " in float64" : "")
        }.joined(separator: ", ")
    }

    private var lengths: String {
        "observation \(horizon.observation), prediction \(horizon.prediction), action \(horizon.action)"
    }
}
