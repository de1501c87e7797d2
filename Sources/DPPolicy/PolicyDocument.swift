import DPBase
import DPGraph
import DPInterface
import Foundation

/// The contents of `policy.json`: everything about a policy except its weights.
package struct PolicyDocument: Codable, Sendable, Equatable {
    /// The newest version of the format.
    ///
    /// Versions 1 and 2 have other names for some keys; see `FormatRename`.
    package static let currentVersion = 3

    /// The version of the format.
    package let formatVersion: Int
    /// The task that the policy was trained for, if it has a simulator here; also nil in documents of earlier versions.
    package let task: PolicyTask?
    /// The configuration that the weights were trained for.
    package let configuration: PolicyConfiguration
    /// The conversion between raw units and those of the network.
    package let normalizer: Normalizer
    /// The shapes of the inputs, the outputs, and the parameters.
    package let shapes: Shapes
    /// Where the policy came from, as free text by key: recipe, seed, steps.
    package let origin: [String: String]
    /// Identifies the weights file that was written together with this document.
    package let fingerprint: String
    /// The checksum of the weights in that file; nil in documents of versions that wrote none.
    package let checksum: String?

    /// Shapes without the batch.
    package struct Shapes: Codable, Sendable, Equatable {
        /// Raw observations, `[To, D]`.
        package let observation: [Int]
        /// Camera images by name, `[To, height, width, 3]`; absent for a policy without images.
        package let images: [String: [Int]]?
        /// Raw actions, `[Tp, A]`.
        package let action: [Int]
        /// The parameters by their PyTorch names.
        package let parameters: [String: [Int]]
    }

    private enum CodingKeys: String, CodingKey {
        case formatVersion = "format_version"
        case task
        case configuration = "policy"
        case normalizer
        case shapes
        case origin
        case fingerprint
        case checksum
    }

    /// - Parameter checksum: the `WeightChecksum` of the weights as stored.
    init(of policy: StoredPolicy, model: DiffusionModel, checksum: String) {
        formatVersion = Self.currentVersion
        task = policy.task
        configuration = policy.configuration
        normalizer = policy.normalizer
        shapes = Shapes(of: model)
        origin = policy.origin
        var hash = FNV1a()
        hash.combine(policy.weights)
        fingerprint = hash.hexadecimal
        self.checksum = checksum
    }
}

extension PolicyDocument.Shapes {
    init(of model: DiffusionModel) {
        let configuration = model.configuration
        observation = [configuration.horizon.observation, model.observationDimension]
        let cameras = configuration.observations.images.map { image in
            (image.name, [configuration.horizon.observation, image.size?.height ?? 0, image.size?.width ?? 0, 3])
        }
        images = cameras.isEmpty ? nil : Dictionary(uniqueKeysWithValues: cameras)
        action = [configuration.horizon.prediction, configuration.action.dimension]
        parameters = Dictionary(
            uniqueKeysWithValues: model.table.ranges.map { ($0.name, $0.shape.dimensions) })
    }
}

// MARK: - Bytes

extension PolicyDocument {
    /// Returns the document as human-readable text.
    func encoded() throws -> Data { try JSONEncoder.legible.encode(self) }

    /// Reads a document and checks that its parts are consistent.
    /// - Throws: `InputError`, which names the key.
    init(decoding data: Data, file: String) throws {
        func failure(_ key: String?, _ expected: String, _ found: String, hint: String? = nil) -> InputError {
            InputError(at: file, key: key, expected: expected, found: found, hint: hint)
        }
        struct Version: Decodable {
            let formatVersion: Int
            enum CodingKeys: String, CodingKey { case formatVersion = "format_version" }
        }
        do {
            let version = try JSONDecoder().decode(Version.self, from: data).formatVersion
            guard 1...Self.currentVersion ~= version else {
                throw failure(
                    "format_version", "1...\(Self.currentVersion)", "\(version)",
                    hint: version > Self.currentVersion
                        ? "a newer version of this software wrote it: update" : "export the policy again")
            }
            self = try JSONDecoder().decode(Self.self, from: version < 3 ? Self.upgraded(data) : data)
        } catch let error as DecodingError {
            let (key, reason) = error.place
            throw failure(key, "a value in the format of this software", reason, hint: "export the policy again")
        }
        do {
            let expected = Shapes(of: try DiffusionModel(configuration))
            try normalizer.validate(for: configuration)
            guard shapes == expected else {
                let (key, expected, found) = shapes.firstDifference(from: expected)
                throw failure("shapes.\(key)", expected, found, hint: "export the policy again")
            }
        } catch let error where (error as? InputError)?.place != file {
            throw failure("policy", "a configuration that works", "\(error)")
        }
    }
}

extension PolicyDocument {
    /// Returns a document of version 1 or 2 with the current names of all keys.
    private static func upgraded(_ data: Data) throws -> Data {
        let renames =
            [FormatRename(["normaliser"], "normalizer")]
            + FormatRename.policy.map { FormatRename(["policy"] + $0.path, $0.name) }
        let document = try JSONSerialization.jsonObject(with: data)
        return try JSONSerialization.data(withJSONObject: renames.reduce(document) { $1.applied(to: $0) })
    }
}

extension PolicyDocument.Shapes {
    fileprivate func firstDifference(from expected: Self) -> (key: String, expected: String, found: String) {
        if observation != expected.observation { return ("observation", "\(expected.observation)", "\(observation)") }
        if action != expected.action { return ("action", "\(expected.action)", "\(action)") }
        if images != expected.images { return ("images", "\(expected.images ?? [:])", "\(images ?? [:])") }
        let names = Set(parameters.keys).union(expected.parameters.keys).sorted()
        let name = names.first { parameters[$0] != expected.parameters[$0] } ?? ""
        func text(_ shape: [Int]?) -> String { shape.map { "\($0)" } ?? "no such parameter" }
        return ("parameters.\(name)", text(expected.parameters[name]), text(parameters[name]))
    }
}

extension DecodingError {
    /// The key of the invalid value, and the reason.
    fileprivate var place: (key: String?, reason: String) {
        func path(_ context: Context, _ last: (any CodingKey)? = nil) -> String? {
            let keys = (context.codingPath + (last.map { [$0] } ?? [])).map(\.stringValue)
            return keys.isEmpty ? nil : keys.joined(separator: ".")
        }
        return switch self {
        case .keyNotFound(let key, let context): (path(context, key), "nothing")
        case .typeMismatch(_, let context): (path(context), "a value of another type")
        case .valueNotFound(_, let context): (path(context), "null")
        case .dataCorrupted(let context): (path(context), "something else (\(context.debugDescription))")
        @unknown default: (nil, "something else")
        }
    }
}
