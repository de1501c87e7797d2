import DPCPU
import DPPolicy
import DPTraining
import Foundation
import Logging

/// A policy at a path given by the user: a policy folder or the folder of a training run.
struct NamedPolicy {
    /// The path as the user wrote it.
    let name: String
    /// The policy's folder.
    let url: URL

    init(at path: String) {
        name = path
        let url = URL(fileURLWithPath: path)
        let document = url.appendingPathComponent("policy.json").path
        let inRun = RunDirectory(url).policy
        let isRun =
            !FileManager.default.fileExists(atPath: document)
            && FileManager.default.fileExists(atPath: inRun.appendingPathComponent("policy.json").path)
        self.url = isRun ? inRun : url
    }

    /// The shipped policy.
    static func shipped() throws -> NamedPolicy { NamedPolicy(at: try ShippedPolicy.locate().path) }

    /// The run that contains the policy, if any.
    var run: RunDirectory? {
        let run = RunDirectory(url.standardizedFileURL.deletingLastPathComponent())
        let isRun =
            run.policy.standardizedFileURL.path == url.standardizedFileURL.path
            && FileManager.default.fileExists(atPath: run.recipe.path)
        return isRun ? run : nil
    }

    /// Loads the policy.
    func load(_ options: SamplerOptions, machine: CPUBackend) throws -> DiffusionPolicy {
        let configuration = try PolicyDirectory(url).document().configuration
        return try load(sampler: options.choice(for: configuration), machine: machine)
    }

    /// Loads the policy with a sampler, and warns if the sampler starts far below the noisiest step.
    func load(sampler: Sampler, machine: CPUBackend) throws -> DiffusionPolicy {
        let policy = try DiffusionPolicy(contentsOf: url, sampler: sampler, backend: machine)
        try policy.configuration.diffusion.warn(of: sampler)
        return policy
    }
}

extension DiffusionConfiguration {
    /// Warns if a sampler starts far below the noisiest step.
    func warn(of sampler: Sampler, _ logger: Logger = .messages) throws {
        guard let remark = try sampler.remark(on: schedule()) else { return }
        logger.warning("\(remark)")
    }
}
