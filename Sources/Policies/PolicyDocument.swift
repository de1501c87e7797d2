import Foundation
import PolicyInterface
import TensorFiles
import TensorGraph

/// What `policy.json` says: everything about a policy but its weights.
public struct PolicyDocument: Codable, Sendable, Equatable {
    /// The newest version of the format.
    ///
    /// Version 2 is written where version 1 would be acted on wrongly: for normalisers that clamp or have an origin.
    public static let currentVersion = 2

    /// The version of the format.
    public let formatVersion: Int
    /// The task that the policy was trained for, if it has a simulator here; nil also in what earlier versions wrote.
    public let task: PolicyTask?
    /// The configuration that the weights were trained for.
    public let configuration: PolicyConfiguration
    /// Between raw units and those of the network.
    public let normaliser: Normaliser
    /// What goes in, what comes out and the parameters in between.
    public let shapes: Shapes
    /// Where the policy came from, as free text by key: recipe, seed, steps.
    public let origin: [String: String]
    /// Marks the weights file that was written together with this document.
    public let fingerprint: String
    /// The checksum of the numbers in that file; nil in documents of versions that wrote none.
    public let checksum: String?

    /// Shapes without the batch.
    public struct Shapes: Codable, Sendable, Equatable {
        /// Raw observations, `[To, D]`.
        public let observation: [Int]
        /// Cameras' images by their names, `[To, height, width, 3]`; absent for a policy without images.
        public let images: [String: [Int]]?
        /// Raw actions, `[Tp, A]`.
        public let action: [Int]
        /// The parameters by their PyTorch names.
        public let parameters: [String: [Int]]
    }

    private enum CodingKeys: String, CodingKey {
        case formatVersion = "format_version"
        case task
        case configuration = "policy"
        case normaliser
        case shapes
        case origin
        case fingerprint
        case checksum
    }

    /// - Parameter checksum: that of the weights as they are stored, `WeightChecksum`.
    init(of policy: StoredPolicy, model: DiffusionModel, checksum: String) {
        formatVersion = policy.normaliser.needsMoreThanScaleAndOffset ? 2 : 1
        task = policy.task
        configuration = policy.configuration
        normaliser = policy.normaliser
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
    /// The document as text that people can read.
    func encoded() throws -> Data { try JSONEncoder.legible.encode(self) }

    /// Reads a document and checks that its parts fit together.
    /// - Throws: `TensorFileError`, which names the key.
    init(decoding data: Data, file: String) throws {
        func failure(_ key: String?, _ expected: String, _ found: String, hint: String? = nil) -> TensorFileError {
            TensorFileError(file: file, key: key, expected: expected, found: found, hint: hint)
        }
        struct Version: Decodable {
            let formatVersion: Int
            enum CodingKeys: String, CodingKey { case formatVersion = "format_version" }
        }
        do {
            let version = try JSONDecoder().decode(Version.self, from: data).formatVersion
            guard 1...Self.currentVersion ~= version else {
                throw failure(
                    "format_version", "1 or \(Self.currentVersion)", "\(version)",
                    hint: version > Self.currentVersion
                        ? "a newer version of this software wrote it: update" : "export the policy again")
            }
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch let error as DecodingError {
            let (key, reason) = error.place
            throw failure(key, "a value as this software writes it", reason, hint: "export the policy again")
        }
        do {
            let expected = Shapes(of: try DiffusionModel(configuration))
            try normaliser.validate(for: configuration)
            guard shapes == expected else {
                let (key, expected, found) = shapes.firstDifference(from: expected)
                throw failure("shapes.\(key)", expected, found, hint: "export the policy again")
            }
        } catch let error where !(error is TensorFileError) {
            throw failure("policy", "a configuration that works", "\(error)")
        }
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
    /// The key that is wrong, and what is wrong with it.
    fileprivate var place: (key: String?, reason: String) {
        func path(_ context: Context, _ last: (any CodingKey)? = nil) -> String? {
            let keys = (context.codingPath + (last.map { [$0] } ?? [])).map(\.stringValue)
            return keys.isEmpty ? nil : keys.joined(separator: ".")
        }
        return switch self {
        case .keyNotFound(let key, let context): (path(context, key), "nothing")
        case .typeMismatch(_, let context): (path(context), "another kind of value")
        case .valueNotFound(_, let context): (path(context), "null")
        case .dataCorrupted(let context): (path(context), "something else (\(context.debugDescription))")
        @unknown default: (nil, "something else")
        }
    }
}
