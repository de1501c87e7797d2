import CPUBackend
import Demonstrations
import Foundation
import NoiseSchedules
import Policies
import PolicyInterface
import TensorGraph

@testable import Training

/// A made-up arm with seven joints and a gripper: it turns each joint at a speed that follows from where the joint is.
enum ToyRobot {
    /// What all tests compute on; one engine serves tests that run side by side.
    static let machine = CPUMachine(threads: 1, precision: .float32)

    /// Tiny networks of each kind.
    static let unet = DenoiserConfiguration.unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8))
    static let transformer = DenoiserConfiguration.transformer(.init(layers: 1, heads: 2, width: 16))

    /// Demonstrations of the arm.
    static func demonstrations(episodes: Int = 4, frames: Int = 12, seed: UInt64 = 1) throws -> ReplayBuffer {
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
        return try ReplayBuffer(
            fields: [
                ReplayBuffer.Field("joints", shape: [7], values: joints),
                ReplayBuffer.Field("gripper", shape: [], values: gripper),
                ReplayBuffer.Field("action", shape: [7], values: actions),
            ],
            episodeEnds: (1...episodes).map { $0 * frames })
    }

    /// A recipe with a tiny network.
    static func recipe(_ change: (inout TrainingConfiguration) -> Void = { _ in }) -> Recipe {
        var training = TrainingConfiguration(
            seed: 3, steps: 6, batchSize: 8, optimizer: AdamWConfiguration(learningRate: 1e-3),
            learningRateSchedule: .cosine(warmUp: 2), validationRatio: 0.25, validationInterval: 2,
            checkpointInterval: 2)
        change(&training)
        return Recipe(
            name: "toy",
            policy: PolicyConfiguration(
                observations: ObservationSchema([FieldSelection("joints"), FieldSelection("gripper")]),
                action: ActionConfiguration(dimension: 7),
                horizon: Horizon(observation: 2, prediction: 4, action: 2),
                denoiser: unet, diffusion: DiffusionConfiguration(steps: 10)),
            training: training)
    }

    static func trainer(
        _ recipe: Recipe = recipe(), demonstrations: ReplayBuffer? = nil, on machine: CPUMachine = machine
    ) throws -> Trainer {
        try Trainer(
            recipe: recipe, demonstrations: try demonstrations ?? self.demonstrations(), backend: machine)
    }
}

/// A folder of its own for a test, removed afterwards.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("training-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url)
}
