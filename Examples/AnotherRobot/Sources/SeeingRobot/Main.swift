import DiffusionPolicyKit
import Foundation

/// Trains a policy of one's own for a robot with two cameras and seven joints, and judges it.
///
/// A few updates show that all fits together; `swift run -c release SeeingRobot 2000` goes on training for some minutes.
@main
struct Main {
    static func main() throws {
        let steps = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3
        let isTrial = steps < 100

        // 1. Demonstrations. Those of a real robot are read from a zarr folder: ReplayBuffer(contentsOf: path, images: ["wrist", "scene"]).
        let demonstrations = try SeeingArm.demonstrations(episodes: isTrial ? 2 : 100, frames: 20)

        // 2. What the policy sees and commands: seven joints, and the features of each camera's images behind them.
        let crop = ImageSize(height: 34, width: 34)
        let policy = PolicyConfiguration(
            observations: ObservationSchema(
                [FieldSelection("joints")],
                images: [ImageSelection("wrist", crop: crop), ImageSelection("scene", crop: crop)]),
            action: ActionConfiguration(dimension: 7),
            horizon: Horizon(observation: 2, prediction: 8, action: 4),
            denoiser: .unet(.init(widths: [32, 64], stepEmbedding: 64)), sampler: .ddim(steps: 10),
            imageEncoder: ImageEncoderConfiguration(keypoints: 8))
        let training = TrainingConfiguration(
            steps: steps, batchSize: isTrial ? 2 : 32, noiseSamples: 4,
            optimizer: AdamWConfiguration(learningRate: 3e-4), learningRateSchedule: .cosine(warmUp: steps / 20))

        // 3. Learn.
        let trainer = try Trainer(
            recipe: Recipe(name: "seeing-arm", policy: policy, training: training), demonstrations: demonstrations)
        for batch in trainer.batches() {
            let report = try trainer.step(batch)
            if report.step <= 3 || report.step.isMultiple(of: 50) { print("step \(report.step)  loss \(report.loss)") }
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("seeing-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try trainer.exportPolicy(to: folder.path)

        // 4. Act.
        let configuration = EvaluationConfiguration(
            episodes: isTrial ? 1 : 20, firstSeed: 1000, maximumSteps: isTrial ? 8 : 40)
        let evaluator = Evaluator(configuration: configuration) { SeeingArm(seed: $0) }
        print(ResultTable([try evaluator.evaluate(DiffusionPolicy(contentsOf: folder.path), named: "seeing")]))
    }
}
