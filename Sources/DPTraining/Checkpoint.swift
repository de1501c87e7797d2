import DPBase
import DPDatasets
package import DPGraph
package import DPPolicy
package import Foundation

/// The metadata of a checkpoint.
package struct CheckpointHeader: Sendable, Equatable {
    /// The number of updates made.
    package var step: Int
    /// The epoch of the next batch, from 0.
    package var epoch: Int
    /// The recipe, including the seed, with its features resolved against the dataset.
    package var recipe: Recipe
    /// The normalizer, fitted to the dataset.
    package var normalizer: Normalizer
    /// Identifies the dataset.
    package var dataFingerprint: String
    /// Further information about the dataset by key, such as the episodes used for training.
    package var dataOrigin: [String: String]
    /// The precision of the operands of matrix products in training; it may change when a run is resumed on another
    /// machine.
    package var precision: Precision
    /// The number of threads, which may change when a run is resumed on another machine; nil in checkpoints of
    /// earlier versions.
    package var threads: Int?
    /// The path of the dataset; nil if unknown.
    package var dataPath: String?
    /// The training time so far, without interruptions.
    package var elapsedSeconds: Double
    /// The validation loss at this step, if measured.
    package var validationLoss: Double?
    /// The mean score of the rollouts at this step, if any.
    package var score: Double?

    /// Whether this checkpoint is better than another: by score if both have one, otherwise by validation loss.
    ///
    /// A checkpoint with a score is preferred to one without; one without any measurement comes last.
    func isBetter(than other: CheckpointHeader) -> Bool {
        if let score { return score > (other.score ?? -.infinity) }
        if other.score != nil { return false }
        return (validationLoss ?? .infinity) < (other.validationLoss ?? .infinity)
    }

    /// Whether the checkpoint has a measurement to compare it by.
    var isMeasured: Bool { score != nil || validationLoss != nil }
}

/// A checkpoint on disk: one safetensors file with the weights, both moments and the EMA (exponential moving average)
/// of each parameter, as `parameters.NAME`, `first_moment.NAME`, `second_moment.NAME` and `average.NAME`.
///
/// Its metadata holds the header and a checksum of each array.
package struct Checkpoint {
    /// The metadata of the file.
    package let header: CheckpointHeader
    private let file: SafetensorsFile

    private static let arrays: [(prefix: String, buffer: @Sendable (TrainingState) -> any DeviceBuffer)] = [
        ("parameters", \.parameters), ("first_moment", \.firstMoment), ("second_moment", \.secondMoment),
        ("average", \.average),
    ]

    /// Opens a checkpoint and reads its header.
    /// - Throws: `InputError` when the file is damaged or of another kind, or when this version
    ///   does not support its recipe, or `FileSystemError`.
    package init(contentsOf url: URL) throws {
        file = try SafetensorsFile(contentsOf: url)
        header = try CheckpointHeader(file.metadata, path: url.path)
    }

    /// Writes a checkpoint atomically: if the process is killed, the file is either complete or absent.
    /// - Throws: `FileSystemError`.
    static func write(_ state: TrainingState, table: ParameterTable, header: CheckpointHeader, to url: URL) throws {
        var metadata = try header.metadata()
        let tensors = arrays.flatMap { prefix, buffer in
            let values = buffer(state).values()
            metadata[checksumKey(prefix)] = checksum(values)
            return table.ranges.map {
                SafetensorsTensor(
                    "\(prefix).\($0.name)", shape: $0.shape.dimensions, .float32(Array(values[$0.elements])))
            }
        }
        try SafetensorsWriter.write(tensors, metadata: metadata, to: url)
    }

    /// The memory needed to write a checkpoint: a copy of every array, and another one of the largest.
    static func writingByteCount(table: ParameterTable) -> Int {
        (arrays.count + 1) * table.count * MemoryLayout<Float>.stride
    }

    private static func checksumKey(_ prefix: String) -> String { "checksum.\(prefix)" }

    private static func checksum(_ values: [Float]) -> String {
        var hash = FNV1a()
        hash.combine(values)
        return hash.hexadecimal
    }

    /// Reads the arrays.
    /// - Throws: `InputError` when a tensor is missing, has another shape or is damaged, or `FileSystemError`;
    ///   the state is then unchanged.
    func read(into state: TrainingState, table: ParameterTable) throws {
        let vectors = try Self.arrays.map { prefix, _ in try vector(prefix, table: table) }
        for (values, array) in zip(vectors, Self.arrays) { array.buffer(state).write(values) }
    }

    private func vector(_ prefix: String, table: ParameterTable) throws -> [Float] {
        for range in table.ranges { _ = try file.entry("\(prefix).\(range.name)", shape: range.shape.dimensions) }
        try AvailableMemory.check(table.count, of: Float.self)
        var values = [Float](repeating: 0, count: table.count)
        try values.withUnsafeMutableBufferPointer { values in
            for range in table.ranges {
                try file.readFloats(
                    "\(prefix).\(range.name)", into: UnsafeMutableBufferPointer(rebasing: values[range.elements]))
            }
        }
        let (expected, found) = (file.metadata[Self.checksumKey(prefix)], Self.checksum(values))
        guard found == expected else {
            throw InputError(
                at: file.path, key: prefix, expected: "numbers with the checksum \(expected ?? "that is missing")",
                found: found, hint: "the file was damaged; use an earlier checkpoint")
        }
        return values
    }

    /// Reads the policy of this checkpoint, whose weights are the EMA.
    /// - Throws: `InputError` when a tensor is missing, has another shape or is damaged, or `FileSystemError`.
    package func policy() throws -> StoredPolicy {
        let model = try DiffusionModel(header.recipe.policy)
        return StoredPolicy(
            configuration: header.recipe.policy, normalizer: header.normalizer,
            weights: try vector("average", table: model.table), origin: header.origin, task: header.recipe.task)
    }
}

extension CheckpointHeader {
    private static let format = "diffusion policy checkpoint 1"

    init(_ metadata: [String: String], path: String) throws {
        func value<Value>(_ key: String, _ expected: String, _ parse: (String) throws -> Value?) throws -> Value {
            guard let text = metadata[key], let value = try parse(text) else {
                throw InputError(
                    at: path, key: "__metadata__.\(key)", expected: expected,
                    found: metadata[key].map { "\"\($0.prefix(40))\"" } ?? "none")
            }
            return value
        }
        _ = try value("format", "\"\(Self.format)\"") { $0 == Self.format ? $0 : nil }
        step = try value("step", "a step") { Int($0).flatMap { $0 >= 0 ? $0 : nil } }
        epoch = try value("epoch", "an epoch") { Int($0) }
        recipe = try value("recipe", "a recipe") { try RecipeFile.read($0, place: "\(path), recipe", isStored: true) }
        let policy = recipe.policy
        // Version 1 of the format spells the key differently.
        normalizer = try value(
            metadata["normaliser"] == nil ? "normalizer" : "normaliser", "a normalizer of this policy"
        ) {
            let normalizer = try? JSONDecoder().decode(Normalizer.self, from: Data($0.utf8))
            return (try? normalizer?.validate(for: policy)) == nil ? nil : normalizer
        }
        dataFingerprint = try value("data", "a fingerprint") { $0 }
        dataOrigin =
            metadata["data_origin"].flatMap {
                try? JSONDecoder().decode([String: String].self, from: Data($0.utf8))
            } ?? [:]
        // Older checkpoints lack this key: there was only one precision.
        precision = try metadata["precision"] == nil ? .float32 : value("precision", "a precision", Precision.init)
        threads = metadata["threads"].flatMap { Int($0) }
        dataPath = metadata["data_path"]
        elapsedSeconds = try value("elapsed_seconds", "a number") { Double($0) }
        validationLoss = metadata["validation_loss"].flatMap { Double($0) }
        score = metadata["score"].flatMap { Double($0) }
    }

    func metadata() throws -> [String: String] {
        var metadata = [
            "format": Self.format, "step": "\(step)", "epoch": "\(epoch)", "seed": "\(recipe.training.seed)",
            "recipe": try RecipeFile.text(of: recipe),
            "normalizer": String(decoding: try JSONEncoder().encode(normalizer), as: UTF8.self),
            "data": dataFingerprint, "precision": precision.rawValue, "elapsed_seconds": "\(elapsedSeconds)",
        ]
        metadata["threads"] = threads.map { "\($0)" }
        metadata["data_path"] = dataPath
        if !dataOrigin.isEmpty {
            metadata["data_origin"] = String(decoding: try JSONEncoder().encode(dataOrigin), as: UTF8.self)
        }
        metadata["validation_loss"] = validationLoss.map { "\($0)" }
        metadata["score"] = score.map { "\($0)" }
        return metadata
    }

    /// The origin that an exported policy records.
    var origin: [String: String] {
        [
            "recipe": recipe.name, "seed": "\(recipe.training.seed)", "steps": "\(step)",
            "demonstrations": dataFingerprint, "precision": precision.rawValue,
        ].merging(dataOrigin) { known, _ in known }
    }
}
