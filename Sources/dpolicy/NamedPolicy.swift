import CPUBackend
import Foundation
import Logging
import NoiseSchedules
import Policies
import Training

/// A policy that the user named by a path: its own folder, or that of the run that trained it.
struct NamedPolicy {
    /// What the user wrote.
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

    /// The policy that ships with the project.
    static func shipped() throws -> NamedPolicy { NamedPolicy(at: try ShippedPolicy.locate().path) }

    /// The run that the policy is of, if it is in one.
    var run: RunDirectory? {
        let run = RunDirectory(url.standardizedFileURL.deletingLastPathComponent())
        let isRun =
            run.policy.standardizedFileURL.path == url.standardizedFileURL.path
            && FileManager.default.fileExists(atPath: run.recipe.path)
        return isRun ? run : nil
    }

    /// Loads the policy.
    func load(_ options: SamplerOptions, machine: CPUMachine) throws -> DiffusionPolicy {
        let configuration = try PolicyDirectory(url).document().configuration
        return try load(sampler: options.choice(for: configuration), machine: machine)
    }

    /// Loads the policy with a sampler, and says on standard error if that one begins far below the noisiest step.
    func load(sampler: Sampler, machine: CPUMachine) throws -> DiffusionPolicy {
        let policy = try DiffusionPolicy(contentsOf: url, sampler: sampler, backend: machine)
        try policy.configuration.diffusion.warn(of: sampler)
        return policy
    }
}

extension DiffusionConfiguration {
    /// Says on standard error that a sampler begins far below the noisiest step, if it does.
    func warn(of sampler: Sampler, _ logger: Logger = .messages) throws {
        guard let remark = try sampler.remark(on: schedule()) else { return }
        logger.warning("\(remark)")
    }
}
