import DPGraph
import DPPolicy
import DPTraining
import Foundation

/// The progress and files of a run.
struct RunDescription: Encodable {
    let path: String
    /// The completed training steps, and the total in the recipe.
    let step: Int
    let steps: Int
    /// The last line of the metrics.
    let metrics: MetricsRow?
    let checkpoints: [CheckpointDescription]
    /// The file of the best checkpoint: by score, else by validation loss.
    let best: String?
    let policy: PolicyDescription?
    let recipe: Recipe

    /// Reads a run without modifying it; the run may still be training.
    init(of run: RunDirectory) throws {
        path = run.url.path
        recipe = try RecipeFile.read(contentsOf: run.recipe, isStored: true)
        steps = recipe.training.steps
        let rows = try? MetricsFile.rows(contentsOf: run.metrics)
        metrics = rows?.last
        step = metrics?.step ?? 0
        let entries = CheckpointStore.readable(in: run.checkpoints)
        checkpoints = entries.map { CheckpointDescription(of: $0.header, file: $0.url) }
        best = entries.best?.url.path
        let hasPolicy = FileManager.default.fileExists(atPath: run.policy.appendingPathComponent("policy.json").path)
        policy = hasPolicy ? PolicyDescription(of: try PolicyDirectory(run.policy).verifiedDocument()) : nil
    }
}

extension RunDescription: CustomStringConvertible {
    var description: String {
        var lines = [path, "step \(step) of \(steps)"]
        if let metrics {
            lines.append(
                String(format: "loss %.4f, learning rate %.2g, ", metrics.loss, metrics.learningRate)
                    + "\(Int(metrics.elapsedSeconds)) s")
        }
        lines += checkpoints.map { "checkpoint \($0)" + ($0.file == best ? " (the best)" : "") }
        if let policy { lines += ["", "policy", "\(policy)"] }
        if let text = try? RecipeFile.text(of: recipe) { lines += ["", "recipe", text] }
        return lines.joined(separator: "\n")
    }
}

/// The header of a checkpoint.
struct CheckpointDescription: Encodable {
    let file: String
    let step: Int
    let epoch: Int
    let recipe: String
    let precision: Precision
    let elapsedSeconds: Double
    let validationLoss: Double?
    let score: Double?

    enum CodingKeys: String, CodingKey {
        case file
        case step
        case epoch
        case recipe
        case precision
        case elapsedSeconds = "elapsed_seconds"
        case validationLoss = "validation_loss"
        case score
    }

    init(of header: CheckpointHeader, file: URL) {
        self.file = file.path
        step = header.step
        epoch = header.epoch
        recipe = header.recipe.name
        precision = header.precision
        elapsedSeconds = header.elapsedSeconds
        validationLoss = header.validationLoss
        score = header.score
    }
}

extension CheckpointDescription: CustomStringConvertible {
    var description: String {
        let measured = [
            validationLoss.map { String(format: ", validation loss %.4f", $0) },
            score.map { String(format: ", score %.3f", $0) },
        ].compactMap { $0 }.joined()
        return "\(file): \(recipe), step \(step), epoch \(epoch), \(precision), \(Int(elapsedSeconds)) s\(measured)"
    }
}
