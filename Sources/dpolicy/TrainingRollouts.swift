import Evaluation
import Foundation
import MachineResources
import Policies
import Training

/// Rollouts in Push-T of a policy that is being trained: on the way, and filmed at the end.
struct TrainingRollouts {
    private let interruption: Interruption
    private let sampleSeed: UInt64

    /// Rollouts for a recipe; nil when its task is not Push-T, as that of another robot.
    init?(of recipe: Recipe, interruption: Interruption) {
        guard recipe.task == .pushT else {
            if recipe.training.rollouts != nil {
                StandardError.write("dpolicy: no rollouts: the recipe names no task (task: pusht)\n")
            }
            return nil
        }
        guard PushTTask.fits(recipe.policy) else {
            StandardError.write("dpolicy: no rollouts: the policy does not see and command what Push-T's do\n")
            return nil
        }
        self.interruption = interruption
        sampleSeed = recipe.training.rollouts?.seed ?? RolloutConfiguration(interval: 1).seed
    }

    /// Checks that rollouts on the way, which choose among checkpoints, keep away from the seeds of the final test.
    /// - Throws: `CommandError` or `InvalidSetting`.
    static func check(_ recipe: Recipe) throws {
        guard let rollouts = recipe.training.rollouts else { return }
        let seeds = PushTTask.testSeeds
        let settings = EvaluationConfiguration(episodes: rollouts.episodes, firstSeed: rollouts.seed)
        guard try !PushTTask.evaluator(settings).configuration.seeds.overlaps(seeds) else {
            throw CommandError(
                place: "training.rollouts.seed",
                expected: "seeds other than \(seeds.lowerBound)...\(seeds.upperBound - 1), those of the final test",
                found: "\(rollouts.seed)", hint: "leave it out for \(RolloutConfiguration(interval: 1).seed)")
        }
    }

    /// Judges the policy on the way.
    func judge(_ policy: DiffusionPolicy, _ rollouts: RolloutConfiguration) throws -> TrainingRun.RolloutResult {
        let settings = EvaluationConfiguration(episodes: rollouts.episodes, firstSeed: rollouts.seed)
        let result = try PushTTask.evaluator(settings, of: policy.configuration).evaluate(policy)
        return TrainingRun.RolloutResult(score: result.score, successRate: result.successRate)
    }

    /// Films sixteen rollouts of the trained policy into the run; where that fails, as without ffmpeg, they are only judged.
    ///
    /// The training is done and saved: what goes wrong here is told on standard error, and the report is made without it.
    /// - Returns: what came of the rollouts; nil when they went wrong, or the user did not want to wait.
    func film(_ run: TrainingRun) -> EvaluationResult? {
        do {
            let policy = try run.trainer.policy()
            let recorder = MosaicRecorder(file: RunReport(run.directory).video)
            var result: EvaluationResult?
            do {
                result = try judge(policy, observers: [recorder])
                try recorder.finish()
            } catch let error where error is VideoError || error is FileWriteError || error is OutOfMemory {
                StandardError.write("dpolicy: warning: no film: \(error)\n")
            }
            return try result ?? judge(policy, observers: [])
        } catch is Interrupted {
            return nil
        } catch {
            StandardError.write("dpolicy: warning: no rollouts of the trained policy: \(error)\n")
            return nil
        }
    }

    private func judge(_ policy: DiffusionPolicy, observers: [any RolloutObserver]) throws -> EvaluationResult {
        let settings = EvaluationConfiguration(episodes: 16, firstSeed: sampleSeed)
        let progress = RolloutProgress("rollouts", settings, interruption: interruption)
        defer { progress.finish() }
        return try PushTTask.evaluator(settings, of: policy.configuration).evaluate(
            policy, named: "the trained policy, on other seeds than the final test", observers: [progress] + observers)
    }
}
