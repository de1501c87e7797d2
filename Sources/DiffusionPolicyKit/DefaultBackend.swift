public import DPDatasets
public import DPPolicy
public import DPTraining
import Foundation

extension DiffusionPolicy {
    /// Opens a policy directory on a device.
    /// - Parameters:
    ///   - path: the directory.
    ///   - sampler: the sampler; the policy's own if nil.
    ///   - device: the processor to use, and how.
    /// - Throws: as `DiffusionPolicy.init(contentsOf:sampler:backend:)`.
    public convenience init(contentsOf path: String, sampler: Sampler? = nil, device: ComputeDevice = .cpu()) throws {
        try self.init(
            contentsOf: URL(fileURLWithPath: path), sampler: sampler, backend: device.backend())
    }
}

extension Trainer {
    /// Creates a training run from random weights on a device.
    /// - Parameters:
    ///   - recipe: the training recipe.
    ///   - demonstrations: the training dataset.
    ///   - seed: replaces the seed of the recipe.
    ///   - device: the processor to use, and how.
    /// - Throws: as `Trainer.init(recipe:demonstrations:seed:backend:)`.
    public convenience init(
        recipe: Recipe, demonstrations: InMemoryDataset, seed: UInt64? = nil, device: ComputeDevice = .cpu()
    ) throws {
        try self.init(
            recipe: recipe, demonstrations: demonstrations, seed: seed,
            backend: device.trainingBackend())
    }

    /// Writes the current policy as a policy directory.
    /// - Throws: as `Trainer.exportPolicy(to:)` with a URL.
    public func exportPolicy(to path: String) throws { try exportPolicy(to: URL(fileURLWithPath: path)) }
}

extension InMemoryDataset {
    /// Reads a dataset from a zarr v2 folder or `.zarr.zip` in the layout of the reference implementation: features
    /// in `data`, and the ends of the episodes in `meta/episode_ends`.
    /// - Parameters:
    ///   - path: the folder or archive.
    ///   - recipe: the recipe that selects the features and camera images to read; by default every feature except
    ///     images is read.
    /// - Throws: `InputError` with file, feature and frame; `FileSystemError`; or `OutOfMemory`.
    public init(contentsOf path: String, for recipe: Recipe? = nil) throws {
        let url = URL(fileURLWithPath: path)
        if let policy = recipe?.policy {
            try self.init(contentsOf: url, observing: policy.observations, action: policy.action.feature)
        } else {
            try self.init(contentsOf: url)
        }
    }
}
