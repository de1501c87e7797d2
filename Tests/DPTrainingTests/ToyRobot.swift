import DPBase
import DPCPU
import DPDatasets
import DPGraph
import DPInterface
import DPPolicy
import Foundation
import TestSupport

@testable import DPTraining

/// A made-up arm with seven joints and a gripper, which turns each joint at a speed that depends on the joint's
/// angle.
enum ToyRobot {
    /// The machine for all tests; one engine serves tests that run concurrently.
    static let machine = CPUBackend(threads: 1, precision: .float32)

    /// Tiny networks of each kind.
    static let unet = DenoiserConfiguration.unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8))
    static let transformer = DenoiserConfiguration.transformer(.init(layers: 1, heads: 2, width: 16))

    /// Returns a dataset of the arm.
    static func demonstrations(episodes: Int = 4, frames: Int = 12, seed: UInt64 = 1) throws -> InMemoryDataset {
        var joints: [Float] = []
        var gripper: [Float] = []
        var actions: [Float] = []
        let key = RandomKey(seed: seed)
        for episode in 0..<episodes {
            var angles = (0..<7).map { Float(key.folding(episode).uniform(at: $0)) * 2 - 1 }
            for frame in 0..<frames {
                joints += angles
                gripper.append(frame < frames / 2 ? 0 : 1)
                for joint in angles.indices { angles[joint] = angles[joint] * 0.8 + 0.1 }
                actions += angles
            }
        }
        return try InMemoryDataset(
            features: [
                InMemoryDataset.Feature("joints", shape: [7], values: joints),
                InMemoryDataset.Feature("gripper", shape: [], values: gripper),
                InMemoryDataset.Feature("action", shape: [7], values: actions),
            ],
            episodeEnds: (1...episodes).map { $0 * frames })
    }

    /// Returns a recipe with a tiny network.
    static func recipe(_ change: (inout TrainingConfiguration) -> Void = { _ in }) -> Recipe {
        var training = changed(TrainingConfiguration()) {
            $0.seed = 3
            $0.steps = 6
            $0.batchSize = 8
            $0.optimizer = changed(AdamWConfiguration()) { $0.learningRate = 1e-3 }
            $0.learningRateSchedule = .cosine(warmUp: 2)
            $0.validationRatio = 0.25
            $0.validationInterval = 2
            $0.checkpointInterval = 2
        }
        change(&training)
        return Recipe(
            name: "toy",
            policy: PolicyConfiguration(
                observations: ObservationSchema([FeatureSelection("joints"), FeatureSelection("gripper")]),
                action: ActionConfiguration(dimension: 7),
                horizon: Horizon(observation: 2, prediction: 4, action: 2),
                denoiser: unet, diffusion: DiffusionConfiguration(steps: 10)),
            training: training)
    }

    static func trainer(
        _ recipe: Recipe = recipe(), demonstrations: InMemoryDataset? = nil, on machine: CPUBackend = machine
    ) throws -> Trainer {
        try Trainer(
            recipe: recipe, demonstrations: try demonstrations ?? self.demonstrations(), backend: machine)
    }
}

/// Runs a closure with a new temporary folder, which is removed afterward.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("training-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url)
}
