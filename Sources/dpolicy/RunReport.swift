import Evaluation
import Foundation
import Training

/// The page about a run, made from what is in its folder.
struct RunReport {
    private let run: RunDirectory

    init(_ run: RunDirectory) { self.run = run }

    /// Where the result of an evaluation of the run's policy is kept.
    var evaluation: URL { run.url.appendingPathComponent("evaluation.json") }
    /// Where training leaves a film of rollouts.
    var video: URL { run.url.appendingPathComponent("rollouts.mp4") }
    /// Where training leaves a picture of what an image policy looks at.
    var keypoints: URL { run.url.appendingPathComponent("keypoints.png") }

    /// Writes the report with what is known.
    /// - Parameters:
    ///   - result: that of an evaluation of the run's policy, if there was one.
    ///   - film: the film of the evaluation; the one that is in the run if not given.
    func write(_ result: EvaluationResult?, film: URL? = nil) throws {
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
            video: FileManager.default.contents(atPath: (film ?? video).path),
            keypoints: FileManager.default.contents(atPath: keypoints.path))
        try report.write(to: run.report)
    }
}
