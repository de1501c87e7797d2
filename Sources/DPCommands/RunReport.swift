import DPEvaluation
import DPTraining
import Foundation

/// The report page of a run, generated from its folder.
struct RunReport {
    private let run: RunDirectory

    init(_ run: RunDirectory) { self.run = run }

    /// The evaluation result of the run's policy.
    var evaluation: URL { run.url.appendingPathComponent("evaluation.json") }
    /// The video of rollouts that training records.
    var video: URL { run.url.appendingPathComponent("rollouts.mp4") }
    /// The image of an image policy's keypoints that training writes.
    var keypoints: URL { run.url.appendingPathComponent("keypoints.png") }

    /// Writes the report.
    /// - Parameters:
    ///   - result: the evaluation result of the run's policy, if any.
    ///   - recording: the video of the evaluation; by default, the video in the run.
    func write(_ result: EvaluationResult?, recording: URL? = nil) throws {
        let recipe = try RecipeFile.read(contentsOf: run.recipe, isStored: true)
        let rows = try MetricsFile.rows(contentsOf: run.metrics)
        func curve(_ quantity: (MetricsRow) -> Double?) -> [SVGPlot.Point] {
            rows.compactMap { row in quantity(row).map { SVGPlot.Point(x: Double(row.step), y: $0) } }
        }
        let report = Report(
            title: recipe.name, recipe: try RecipeFile.text(of: recipe),
            curves: LearningCurves(
                loss: curve { $0.loss }, validationLoss: curve { $0.validationLoss },
                actionError: curve { $0.actionMSE }, score: curve { $0.score },
                successRate: curve { $0.successRate }, learningRate: curve { $0.learningRate }),
            trainingSteps: rows.last?.step, trainingSeconds: rows.last?.elapsedSeconds, evaluation: result,
            video: FileManager.default.contents(atPath: (recording ?? video).path),
            keypoints: FileManager.default.contents(atPath: keypoints.path))
        try report.write(to: run.report)
    }
}
