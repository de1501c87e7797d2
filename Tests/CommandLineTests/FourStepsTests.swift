import DiffusionPolicyKit
import Foundation
import TestSupport
import Testing

/// The code of the front page, with little of everything.
@Suite struct FourStepsTests {
    @Test func fromDemonstrationsToActions() throws {
        let folder = try TemporaryFolder()
        try Fixtures.writePushTPolicy(to: folder("teacher"))
        let recorded = try dpolicy(
            "data", "record", "--policy", folder("teacher").path, "--output", folder("pusht.zarr").path, "--episodes",
            "2", "--minimum-coverage", "0", "--maximum-steps", "40", "--seed", "7", "--threads", "1")
        #expect(recorded.status == 0)
        var recipe = Recipe.pushTLowDim
        recipe.policy.denoiser = .unet(.init(widths: [8, 16], kernelSize: 3, groups: 4, stepEmbedding: 8))
        recipe.training.batchSize = 4

        let demonstrations = try ReplayBuffer(contentsOf: folder("pusht.zarr").path)
        let trainer = try Trainer(recipe: recipe, demonstrations: demonstrations, seed: 42, threads: 1)
        for batch in trainer.batches(count: 2) {
            let report = try trainer.step(batch)
            #expect(report.loss.isFinite)
        }
        try trainer.exportPolicy(to: folder("policy").path)

        let policy = try DiffusionPolicy(contentsOf: folder("policy").path, sampler: .ddim(steps: 2), threads: 1)
        var controller = RecedingHorizonController(policy, seed: 0)
        let environment = PushTEnvironment(seed: 100_000)
        while !environment.isSuccess, environment.stepCount < 10 {
            try environment.step(controller.action(for: environment.observation))
        }
        #expect(environment.stepCount == 10)
    }
}
