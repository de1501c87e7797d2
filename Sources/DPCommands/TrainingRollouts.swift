import DPBase
import DPEvaluation
import DPPolicy
import DPTraining
import Foundation

/// Rollouts in Push-T during training, and a video of rollouts at its end.
struct TrainingRollouts {
    private let interruption: Interruption
    private let sampleSeed: UInt64

    /// Creates rollouts for a recipe; nil when its task is not Push-T.
    init?(of recipe: Recipe, interruption: Interruption) {
        guard recipe.task == .pushT else {
            if recipe.training.rollouts != nil {
                StandardError.write("dpolicy: no rollouts: the recipe names no task (task: pusht)\n")
            }
            return nil
        }
        guard PushTTask.fits(recipe.policy) else {
            StandardError.write("dpolicy: no rollouts: the policy's observations or actions do not match Push-T\n")
            return nil
        }
        self.interruption = interruption
        sampleSeed = recipe.training.rollouts?.seed ?? RolloutConfiguration().seed
    }

    /// Checks that rollouts during training, which select checkpoints, do not use the seeds of the final test.
    /// - Throws: `InputError`.
    static func check(_ recipe: Recipe) throws {
        guard let rollouts = recipe.training.rollouts else { return }
        let seeds = EvaluationConfiguration.testSeeds
        let settings = EvaluationConfiguration(episodes: rollouts.episodes, firstSeed: rollouts.seed)
        guard try !PushTTask.evaluator(settings).configuration.seeds.overlaps(seeds) else {
            throw InputError(
                at: "training.rollouts.seed",
                expected: "seeds other than \(seeds.lowerBound)...\(seeds.upperBound - 1), those of the final test",
                found: "\(rollouts.seed)", hint: "omit it to use \(RolloutConfiguration().seed)")
        }
    }

    /// Evaluates the policy during training.
    func evaluate(_ policy: DiffusionPolicy, _ rollouts: RolloutConfiguration) throws -> TrainingRun.RolloutResult {
        let settings = EvaluationConfiguration(episodes: rollouts.episodes, firstSeed: rollouts.seed)
        let result = try PushTTask.evaluator(settings, of: policy.configuration).evaluate(policy)
        return TrainingRun.RolloutResult(score: result.score, successRate: result.successRate)
    }

    /// Records a video of sixteen rollouts of the trained policy; if recording fails, for example without ffmpeg,
    /// only evaluates them.
    ///
    /// Training is already complete and saved. Errors are reported on standard error, and the report is written
    /// without the result.
    /// - Returns: the result of the rollouts; nil after an error or an interruption by the user.
    func recordVideo(of run: TrainingRun) -> EvaluationResult? {
        do {
            let policy = try run.trainer.policy()
            let recorder = MosaicRecorder(file: RunReport(run.directory).video)
            var result: EvaluationResult?
            do {
                result = try evaluate(policy, observers: [recorder])
                try recorder.finish()
            } catch let error where error is InputError || error is FileSystemError || error is OutOfMemory {
                StandardError.write("dpolicy: warning: no video: \(error)\n")
            }
            return try result ?? evaluate(policy, observers: [])
        } catch is Interrupted {
            return nil
        } catch {
            StandardError.write("dpolicy: warning: no rollouts of the trained policy: \(error)\n")
            return nil
        }
    }

    private func evaluate(_ policy: DiffusionPolicy, observers: [any RolloutObserver]) throws -> EvaluationResult {
        let settings = EvaluationConfiguration(episodes: 16, firstSeed: sampleSeed)
        let progress = RolloutProgress("rollouts", settings, interruption: interruption)
        defer { progress.finish() }
        return try PushTTask.evaluator(settings, of: policy.configuration).evaluate(
            policy, named: "the trained policy, on other seeds than the final test", observers: [progress] + observers)
    }
}
