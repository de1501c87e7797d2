import Control
import DiffusionPolicyKit
import Foundation
import Training

/// Trains and evaluates a policy for a custom robot with two cameras and seven joints.
///
/// By default it takes three training steps as a quick test; `swift run -c release CameraRobot 2000` trains for
/// some minutes.
@main
struct Main {
    static func main() throws {
        let steps = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3
        let isTrial = steps < 100

        // 1. Create demonstrations. Read those of a real robot from a zarr folder: InMemoryDataset(contentsOf:
        // path, for: recipe).
        let demonstrations = try CameraArm.demonstrations(episodes: isTrial ? 2 : 100, frames: 20)

        // 2. Configure the policy: it observes seven joints and the image features of each camera, and commands
        // seven joints.
        let crop = ImageSize(height: 34, width: 34)
        let policy = PolicyConfiguration(
            observations: ObservationSchema(
                [FeatureSelection("joints")],
                images: [ImageSelection("wrist", crop: crop), ImageSelection("scene", crop: crop)]),
            action: ActionConfiguration(),
            horizon: Horizon(observation: 2, prediction: 8, action: 4),
            denoiser: .unet(.init(widths: [32, 64], stepEmbedding: 64)), sampler: .ddim(steps: 10),
            imageEncoder: ImageEncoderConfiguration(keypoints: 8))
        var training = TrainingConfiguration()
        training.steps = steps
        training.batchSize = isTrial ? 2 : 32
        training.noiseSamples = 4
        training.optimizer.learningRate = 3e-4
        training.learningRateSchedule = .cosine(warmUp: steps / 20)

        // 3. Train.
        let trainer = try Trainer(
            recipe: Recipe(name: "camera-arm", policy: policy, training: training), demonstrations: demonstrations)
        let (progress, stop) = (Training.Progress(), EmergencyStop())
        for batch in trainer.batches() where !stop.isPressed {
            let report = try trainer.step(batch)
            progress.update(with: report)
            if report.step <= 3 || report.step.isMultiple(of: 50) { print("step \(report.step)  loss \(report.loss)") }
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("camera-arm-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try trainer.exportPolicy(to: folder.path)

        // 4. Evaluate.
        let configuration = EvaluationConfiguration(
            episodes: isTrial ? 1 : 20, firstSeed: 1000, maxSteps: isTrial ? 8 : 40)
        let evaluator = Evaluator(configuration: configuration) { CameraArm(seed: $0) }
        print(try evaluator.evaluate(DiffusionPolicy(contentsOf: folder.path), named: "camera"))
    }
}
