import DPDatasets
import DPPolicy
import Testing

@testable import DPTraining

/// Tests of window steps outside their episodes, and of their exclusion from the loss.
@Suite struct PaddingTests {
    private func trainer(
        _ lossOnPadding: Bool, conditioning: Conditioning = .global, gradientAccumulationSteps: Int = 1
    ) throws -> Trainer {
        var recipe = ToyRobot.recipe {
            $0.lossOnPadding = lossOnPadding
            $0.batchSize = 32
            $0.noiseSamples = 2
            $0.gradientAccumulationSteps = gradientAccumulationSteps
        }
        recipe.policy.conditioning = conditioning
        return try ToyRobot.trainer(recipe)
    }

    private func firstBatch(of trainer: Trainer) throws -> Batch {
        let batch = trainer.batches(count: 1).first { _ in true }
        return try #require(batch)
    }

    @Test func paddingIsMarked() throws {
        let data = try trainer(false).assembler.data
        let windows = data.training
        let batch = try firstBatch(of: trainer(false))
        #expect(batch.inEpisode.count == 32 * 4)
        #expect(Set(batch.inEpisode) == [0, 1])
        // One step before an episode and one after it, according to the horizons.
        #expect((0..<4).map { windows.isInEpisode(window: 0, step: $0) } == [false, true, true, true])
        let last = windows.count - 1
        #expect((0..<4).map { windows.isInEpisode(window: last, step: $0) } == [true, true, true, false])
        for window in 0..<windows.count {
            for step in 0..<3
            where windows.frame(window: window, step: step) == windows.frame(window: window, step: step + 1) {
                #expect(
                    !windows.isInEpisode(window: window, step: step)
                        || !windows.isInEpisode(window: window, step: step + 1))
            }
        }
        #expect(try firstBatch(of: trainer(true)).inEpisode.isEmpty)
    }

    /// The loss is the sum of two parts: steps inside episodes and steps outside.
    @Test(arguments: [Conditioning.global, .local, .inpainting])
    func maskedStepsDoNotCount(_ conditioning: Conditioning) throws {
        let (all, inside, outside) = (
            try trainer(true, conditioning: conditioning), try trainer(false, conditioning: conditioning),
            try trainer(false, conditioning: conditioning)
        )
        let complement = try firstBatch(of: outside)
        for index in complement.inEpisode.indices { complement.inEpisode[index] = 1 - complement.inEpisode[index] }
        let whole = try all.step(firstBatch(of: all)).loss
        let parts = try (inside.step(firstBatch(of: inside)).loss, outside.step(complement).loss)
        #expect(parts.0 > 0 && parts.1 > 0)
        #expect(abs(whole - parts.0 - parts.1) < 1e-5 * whole)
    }

    @Test func partialGradientsSumToTheWhole() throws {
        let (whole, parts) = (try trainer(false), try trainer(false, gradientAccumulationSteps: 2))
        let reports = try (
            whole.batches(count: 2).map { try whole.step($0) }, parts.batches(count: 2).map { try parts.step($0) }
        )
        for (one, other) in zip(reports.0, reports.1) {
            #expect(abs(one.loss - other.loss) < 1e-5 * one.loss)
            #expect(abs(one.gradientNorm - other.gradientNorm) < 1e-4 * one.gradientNorm)
        }
    }

    /// The validation loss uses the same mask.
    @Test func validationLeavesPaddingOutToo() throws {
        let (all, inside) = (try trainer(true), try trainer(false))
        let losses = (try #require(try all.validationLoss()), try #require(try inside.validationLoss()))
        #expect(losses.1 < losses.0 && losses.1 > 0)
    }

    @Test func recipesSetLossOnPadding() throws {
        #expect(try RecipeFile.read("pusht-lowdim").training.lossOnPadding)
        let recipe = try RecipeFile.read("pusht-lowdim", overrides: ["training.loss_on_padding=false"])
        #expect(!recipe.training.lossOnPadding)
        #expect(try RecipeFile.text(of: recipe).contains("loss_on_padding: false"))
    }
}
