import CPUBackend
public import Demonstrations
import Foundation
public import NoiseSchedules
public import Policies
public import Training

extension DiffusionPolicy {
    /// The policy of a policy directory, on this computer's processor.
    /// - Parameters:
    ///   - path: the directory.
    ///   - sampler: the policy's own if not given.
    ///   - threads: as many as the process may use processors, if not given.
    /// - Throws: as `DiffusionPolicy.init(contentsOf:sampler:backend:)`.
    public convenience init(contentsOf path: String, sampler: Sampler? = nil, threads: Int? = nil) throws {
        try self.init(
            contentsOf: URL(fileURLWithPath: path), sampler: sampler, backend: CPUMachine(threads: threads))
    }
}

extension Trainer {
    /// A training from random weights, on this computer's processor.
    /// - Parameters:
    ///   - recipe: what to train and how.
    ///   - demonstrations: what to learn from.
    ///   - seed: replaces the recipe's.
    ///   - threads: as many as the process may use processors, if not given.
    /// - Throws: as `Trainer.init(recipe:demonstrations:seed:backend:)`.
    public convenience init(
        recipe: Recipe, demonstrations: ReplayBuffer, seed: UInt64? = nil, threads: Int? = nil
    ) throws {
        try self.init(
            recipe: recipe, demonstrations: demonstrations, seed: seed,
            backend: CPUMachine(threads: threads, precision: CPUMachine.precisionForTraining))
    }

    /// Writes the policy as it is now as a policy directory.
    /// - Throws: as `Trainer.exportPolicy(to:)` with a URL.
    public func exportPolicy(to path: String) throws { try exportPolicy(to: URL(fileURLWithPath: path)) }
}

extension ReplayBuffer {
    /// Reads demonstrations from a zarr v2 folder or `.zarr.zip` at a path.
    /// - Parameters:
    ///   - path: the folder or archive.
    ///   - images: the fields to read as camera images; none by default.
    /// - Throws: as `ReplayBuffer.init(contentsOf:fields:images:missingChunks:)`.
    public init(contentsOf path: String, images: [String] = []) throws {
        try self.init(contentsOf: URL(fileURLWithPath: path), images: images)
    }
}
