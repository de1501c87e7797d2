import DPBase
import DPGraph
import DPPolicy
import Foundation
import Testing

@testable import DPTraining

/// Tests of transformer training, whose dropout needs its own randomness.
@Suite struct TransformerTrainingTests {
    private func recipe(dropout: Float, parts: Int = 1) -> Recipe {
        var recipe = ToyRobot.recipe { $0.gradientAccumulationSteps = parts }
        recipe.policy.denoiser = .transformer(
            .init(layers: 1, heads: 2, width: 16, embeddingDropout: dropout, attentionDropout: dropout))
        return recipe
    }

    private func weights(_ recipe: Recipe) throws -> [Float] {
        let trainer = try ToyRobot.trainer(recipe)
        for batch in trainer.batches(count: 3) { _ = try trainer.step(batch) }
        return trainer.weights
    }

    @Test(arguments: [1, 2]) func dropoutIsReproducible(parts: Int) throws {
        let dropped = try weights(recipe(dropout: 0.3, parts: parts))
        #expect(dropped.allSatisfy { $0.isFinite })
        #expect(try weights(recipe(dropout: 0.3, parts: parts)) == dropped)
        #expect(try weights(recipe(dropout: 0, parts: parts)) != dropped)
    }

    @Test func resumedTrainingRepeatsDropoutMasks() throws {
        let recipe = recipe(dropout: 0.3)
        let trainer = try ToyRobot.trainer(recipe)
        let expected = try weights(recipe)
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("checkpoint")
            for batch in trainer.batches(count: 1) { _ = try trainer.step(batch) }
            try trainer.saveCheckpoint(to: file)
            let continued = try Trainer(
                resuming: file, recipe: recipe, demonstrations: ToyRobot.demonstrations(), backend: ToyRobot.machine)
            for batch in continued.batches(count: 2) { _ = try continued.step(batch) }
            #expect(continued.weights == expected)
        }
    }

    @Test func validationUsesNoDropout() throws {
        let loss = try ToyRobot.trainer(recipe(dropout: 0.3)).validationLoss()
        #expect(loss != nil)
        #expect(try ToyRobot.trainer(recipe(dropout: 0)).validationLoss() == loss)
    }

    @Test func dropoutMasksDifferBetweenParts() throws {
        func keys(dropout: Float) throws -> [RandomKey] {
            let recipe = recipe(dropout: dropout, parts: 2)
            let trainer = try ToyRobot.trainer(recipe)
            let gradients = try GradientComputation(
                trainer.model, training: trainer.recipe.training,
                state: TrainingState(on: ToyRobot.machine, table: trainer.model.table), on: ToyRobot.machine)
            return (0..<3).flatMap { update in
                (0..<2).compactMap { part in gradients.dropoutKey(update: update, part: part) }
            }
        }
        #expect(try Set(keys(dropout: 0.3)).count == 6)
        #expect(try keys(dropout: 0).isEmpty)
    }
}
