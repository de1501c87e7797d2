import DPBase
import DPInterface

extension PolicyMetadata {
    /// Checks that clients with this policy's metadata can send the same requests to another policy; its name may
    /// differ.
    /// - Throws: `InputError` with the difference.
    package func check(replacement other: PolicyMetadata) throws {
        let aspects: [(name: String, Description)] = [
            ("features", \.featureList), ("action dimension", { "\($0.actionDimension)" }), ("horizon", \.lengths),
        ]
        for (name, describe) in aspects where describe(self) != describe(other) {
            throw InputError(
                key: "policy, \(name)", expected: "\(describe(self)), as in the metadata sent to clients",
                found: describe(other))
        }
    }

    private typealias Description = (PolicyMetadata) -> String

    private var featureList: String {
        features.map { feature in
            "\(feature.isImage ? "image " : "")\(feature.name) \(feature.shape)"
                + (doubleFeatures.contains(feature.name) ? " in float64" : "")
        }.joined(separator: ", ")
    }

    private var lengths: String {
        "observation \(horizon.observation), prediction \(horizon.prediction), action \(horizon.action)"
    }
}
