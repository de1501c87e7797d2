import DPBase
import DPNetworks
import DiffusionPolicyKit
import Foundation
import TestSupport

/// Small policies, datasets and recipes for tests.
enum Fixtures {
    /// Writes a policy with random weights for Push-T that observes the state and one keypoint; fast enough for a
    /// debug build.
    static func writePushTPolicy(to url: URL, seed: UInt64 = 7, executing action: Int = 3, task: PolicyTask? = .pushT)
        throws
    {
        let configuration = PolicyConfiguration(
            observations: ObservationSchema([
                FeatureSelection("state", size: 5), FeatureSelection("keypoint", slice: 0..<2, size: 18),
            ]),
            action: ActionConfiguration(
                dimension: 2, limits: ActionConfiguration.Limits(lower: [0, 0], upper: [512, 512])),
            horizon: Horizon(observation: 2, prediction: 4, action: action),
            denoiser: .unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8)),
            diffusion: DiffusionConfiguration(steps: 10), sampler: .ddim(steps: 5, spacing: .leading))
        let scale = [Float](repeating: 1 / 256, count: 7)
        let normalizer = Normalizer(
            observation: ElementwiseAffine(scale: scale, offset: [Float](repeating: -1, count: 7)),
            action: ElementwiseAffine(scale: Array(scale[..<2]), offset: [-1, -1]))
        let weights = try DiffusionModel(configuration).table.initialValues(key: RandomKey(seed: seed))
        try PolicyDirectory(url).write(
            StoredPolicy(
                configuration: configuration, normalizer: normalizer, weights: weights, origin: ["recipe": "fixture"],
                task: task))
    }

    /// Writes demonstrations of a robot without a simulator: six episodes of 20 frames.
    ///
    /// They include states of Push-T, from which images can be rendered.
    static func writeRobotDemonstrations(to url: URL) throws {
        try InMemoryDataset(
            features: [
                InMemoryDataset.Feature("joints", shape: [3], values: fill("joints", count: 360)),
                InMemoryDataset.Feature("state", shape: [5], values: fill("state", count: 600, base: 256, scale: 100)),
                InMemoryDataset.Feature("command", shape: [2], values: fill("command", count: 240)),
            ], episodeEnds: Array(stride(from: 20, through: 120, by: 20))
        ).write(to: url)
    }

    /// The recipe below with a camera and the task Push-T.
    static let recipeWithCamera = recipe.replacing(
        """
              - name: joints

        """,
        with: """
                  - name: joints
                images:
                  - name: img
                    crop: [33, 33]

            """
    ).replacing("validation_ratio: 0.2", with: "validation_ratio: 0")
        .replacing("description: Small enough for a test", with: "task: pusht\ndescription: Renders its images")

    /// A recipe for the demonstrations, with a few milliseconds per training step.
    static let recipe = """
        name: tiny-robot
        description: Small enough for a test
        policy:
          observations:
            features:
              - name: joints
          action:
            feature: command
            dimension: 2
          horizon: {observation: 2, prediction: 4, action: 2}
          conditioning: global
          denoiser:
            name: unet
            widths: [8, 16]
            kernel_size: 3
            groups: 4
            step_embedding: 8
            cond_predict_scale: true
          diffusion: {steps: 10, betas: squaredcos_cap_v2, prediction: epsilon, clip: 1}
          sampler: {name: ddim, steps: 2, eta: 0}
          normalization: {observations: limits, action: limits, features: {}}
        training:
          steps: 200
          batch_size: 8
          validation_ratio: 0.2
          validation_interval: 20
          checkpoint_interval: 5
          kept_checkpoints: 2

        """
}
