public import Foundation
import MachineResources
public import Policies
import PolicyInterface
import TensorFiles
public import TensorGraph

/// What a checkpoint tells beside its four arrays.
public struct CheckpointHeader: Sendable, Equatable {
    /// Updates made.
    public var step: Int
    /// The epoch that the next batch begins in, from 0.
    public var epoch: Int
    /// What is trained, the seed included, its fields resolved against the demonstrations.
    public var recipe: Recipe
    /// Fitted to the demonstrations.
    public var normaliser: Normaliser
    /// Tells the demonstrations from others.
    public var dataFingerprint: String
    /// What else there is to tell of the demonstrations, by key: which of them were learned from.
    public var dataOrigin: [String: String]
    /// The precision of the operands of products in training; it may change when a run goes on elsewhere.
    public var precision: Precision
    /// In how many parts the work was cut, which may change when a run goes on elsewhere; nil in what earlier versions wrote.
    public var threads: Int?
    /// Where the demonstrations were; nil if that was not told.
    public var dataPath: String?
    /// Time spent in training so far, stops left out.
    public var elapsedSeconds: Double
    /// The validation loss at this step, where it was measured.
    public var validationLoss: Double?
    /// The mean score of the rollouts at this step, where there were any.
    public var score: Double?

    /// Whether this checkpoint is better than another: by score if both have one, else by validation loss.
    ///
    /// A checkpoint with a score is preferred to one without, and one of which nothing is known comes last.
    func isBetter(than other: CheckpointHeader) -> Bool {
        if let score { return score > (other.score ?? -.infinity) }
        if other.score != nil { return false }
        return (validationLoss ?? .infinity) < (other.validationLoss ?? .infinity)
    }

    /// Whether something is known by which it can be compared with others.
    var isMeasured: Bool { score != nil || validationLoss != nil }
}

/// A checkpoint on disk: one safetensors file with the weights, both moments and the moving average of each parameter, as
/// `parameters.NAME`, `first_moment.NAME`, `second_moment.NAME` and `average.NAME`, and as its metadata the header and a checksum of each
/// array.
public struct Checkpoint {
    /// What the file tells of itself.
    public let header: CheckpointHeader
    private let file: SafetensorsFile

    private static let arrays: [(prefix: String, buffer: @Sendable (TrainingState) -> any DeviceBuffer)] = [
        ("parameters", \.parameters), ("first_moment", \.firstMoment), ("second_moment", \.secondMoment),
        ("average", \.average),
    ]

    /// Opens a checkpoint and reads its header.
    /// - Throws: `TensorFileError` when the file is damaged or of another kind, `RecipeError` when its recipe is one that this version
    ///   does not understand, or `FileSystemError`.
    public init(contentsOf url: URL) throws {
        file = try SafetensorsFile(contentsOf: url)
        header = try CheckpointHeader(file.metadata, path: url.path)
    }

    /// Writes a checkpoint atomically: whenever the process is killed, the file is there as a whole or not at all.
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

    /// The memory that is needed while a checkpoint is written: a copy of every array, and one more of the largest.
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
    /// - Throws: `TensorFileError` when a tensor is missing, has another shape or is damaged, or `FileSystemError`; the state is then as
    ///   before.
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
            throw TensorFileError(
                file: file.path, key: prefix, expected: "numbers with the checksum \(expected ?? "that is missing")",
                found: found, hint: "the file was damaged; use an earlier checkpoint")
        }
        return values
    }

    /// Reads the policy of this checkpoint: its moving average.
    /// - Throws: `TensorFileError` when a tensor is missing, has another shape or is damaged, or `FileSystemError`.
    public func policy() throws -> StoredPolicy {
        let model = try DiffusionModel(header.recipe.policy)
        return StoredPolicy(
            configuration: header.recipe.policy, normaliser: header.normaliser,
            weights: try vector("average", table: model.table), origin: header.origin, task: header.recipe.task)
    }
}

extension CheckpointHeader {
    private static let format = "diffusion policy checkpoint 1"

    init(_ metadata: [String: String], path: String) throws {
        func value<Value>(_ key: String, _ expected: String, _ parse: (String) throws -> Value?) throws -> Value {
            guard let text = metadata[key], let value = try parse(text) else {
                throw TensorFileError(
                    file: path, key: "__metadata__.\(key)", expected: expected,
                    found: metadata[key].map { "\"\($0.prefix(40))\"" } ?? "none")
            }
            return value
        }
        _ = try value("format", "\"\(Self.format)\"") { $0 == Self.format ? $0 : nil }
        step = try value("step", "a step") { Int($0).flatMap { $0 >= 0 ? $0 : nil } }
        epoch = try value("epoch", "an epoch") { Int($0) }
        recipe = try value("recipe", "a recipe") { try RecipeFile.read($0, place: "\(path), recipe", isStored: true) }
        let policy = recipe.policy
        normaliser = try value("normaliser", "a normaliser of this policy") {
            let normaliser = try? JSONDecoder().decode(Normaliser.self, from: Data($0.utf8))
            return (try? normaliser?.validate(for: policy)) == nil ? nil : normaliser
        }
        dataFingerprint = try value("data", "a fingerprint") { $0 }
        dataOrigin =
            metadata["data_origin"].flatMap {
                try? JSONDecoder().decode([String: String].self, from: Data($0.utf8))
            } ?? [:]
        // Checkpoints without it were made when there was only one.
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
            "normaliser": String(decoding: try JSONEncoder().encode(normaliser), as: UTF8.self),
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

    /// What an exported policy tells of where it came from.
    var origin: [String: String] {
        [
            "recipe": recipe.name, "seed": "\(recipe.training.seed)", "steps": "\(step)",
            "demonstrations": dataFingerprint, "precision": precision.rawValue,
        ].merging(dataOrigin) { known, _ in known }
    }
}
