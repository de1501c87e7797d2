import DPBase
import DPCPU
import DPDatasets
import DPGraph
import DPInterface
import DPPolicy
import Foundation
import Testing

@testable import DPTraining

@Suite struct TrainerTests {
    private func losses(_ trainer: Trainer, count: Int) throws -> [Double] {
        try trainer.batches(count: count).map { try trainer.step($0).loss }
    }

    @Test(arguments: [Precision.float32, nil]) func lossFalls(precision: Precision?) throws {
        var recipe = ToyRobot.recipe {
            $0.steps = 300
            $0.optimizer.learningRate = 3e-3
            $0.batchSize = 16
        }
        recipe.policy.denoiser = .unet(.init(widths: [32, 64], kernelSize: 3, groups: 4, stepEmbedding: 32))
        let trainer = try ToyRobot.trainer(recipe, on: CPUBackend(threads: 1, precision: precision))
        let before = try #require(try trainer.validationLoss())
        let errorBefore = try trainer.actionError()
        let losses = try losses(trainer, count: 300)
        let (first, last) = (losses.prefix(5).reduce(0, +) / 5, losses.suffix(50).reduce(0, +) / 50)
        #expect(first > 0.7)
        #expect(last < 0.5 * first, "loss went from \(first) to \(last)")
        let after = try #require(try trainer.validationLoss())
        #expect(after < 0.6 * before, "validation loss went from \(before) to \(after)")
        let errorAfter = try trainer.actionError()
        #expect(errorAfter < 0.5 * errorBefore, "action error went from \(errorBefore) to \(errorAfter)")
    }

    /// Regression test: a second iteration over the batches starts over; it used to hang.
    @Test(.timeLimit(.minutes(5))) func batchesCanBeIteratedAgain() throws {
        let batches = try ToyRobot.trainer().batches(count: 3)
        let passes = (0..<2).map { _ in batches.map(\.actions) }
        #expect(passes[0].count == 3 && passes[0] == passes[1])
        #expect(passes[0][0] != passes[0][1])
        // Also after an incomplete iteration, and with a copied iterator.
        for batch in batches {
            #expect(batch.actions == passes[0][0])
            break
        }
        var iterator = batches.makeIterator()
        var copy = iterator
        #expect(iterator.next() != nil && copy.next() != nil && iterator.next() != nil)
        #expect(iterator.next() == nil && copy.next() == nil)
    }

    @Test func theFirstUpdateHasLearningRateZero() throws {
        let trainer = try ToyRobot.trainer()
        let weights = trainer.weights
        let batches = Array(trainer.batches(count: 2))
        let report = try trainer.step(batches[0])
        #expect(report.step == 1 && report.learningRate == 0 && report.gradientNorm > 0)
        #expect(trainer.weights == weights)
        #expect(try trainer.step(batches[1]).learningRate > 0)
        #expect(trainer.weights != weights)
        // The decay is 0 for the first two updates: the average equals the weights.
        #expect(trainer.averageWeights == trainer.weights)
    }

    @Test func trainingIsReproducibleAndDependsOnTheSeed() throws {
        func weights(seed: UInt64?) throws -> [Float] {
            let trainer = try Trainer(
                recipe: ToyRobot.recipe(), demonstrations: ToyRobot.demonstrations(), seed: seed,
                backend: ToyRobot.machine)
            _ = try losses(trainer, count: 3)
            return trainer.weights
        }
        let first = try weights(seed: nil)
        #expect(try weights(seed: nil) == first)
        #expect(try weights(seed: 3) == first)
        #expect(try weights(seed: 4) != first)
    }

    @Test func accumulatedPartsEqualTheWholeBatch() throws {
        func train(parts: Int) throws -> (reports: [StepReport], gradients: [Float]) {
            let trainer = try ToyRobot.trainer(ToyRobot.recipe { $0.gradientAccumulationSteps = parts })
            var gradients: [Float] = []
            trainer.reduce = { gradients = $0.values() }
            let reports = try trainer.batches(count: 2).map { try trainer.step($0) }
            return (reports, gradients)
        }
        let whole = try train(parts: 1)
        let largest = whole.gradients.map(abs).max() ?? 0
        for parts in [2, 4, 8] {
            let accumulated = try train(parts: parts)
            for (left, right) in zip(whole.reports, accumulated.reports) {
                #expect(abs(left.loss - right.loss) < 1e-5 * left.loss)
                #expect(abs(left.gradientNorm - right.gradientNorm) < 1e-5 * left.gradientNorm)
            }
            #expect(zip(whole.gradients, accumulated.gradients).allSatisfy { abs($0 - $1) <= 1e-5 * largest })
        }
    }

    @Test func eachWindowIsDiffusedAsOftenAsTheRecipeSays() throws {
        let trainer = try ToyRobot.trainer(ToyRobot.recipe { $0.noiseSamples = 3 })
        let alone = try #require(ToyRobot.trainer().batches(count: 1).map { $0 }.first)
        for batch in trainer.batches(count: 1) {
            #expect(batch.count == 8 && batch.noiseSamples == 3 && batch.steps.count == 24)
            #expect(batch.noise.count == 3 * alone.noise.count && Set(batch.noise).count > alone.noise.count)
            #expect(batch.actions == alone.actions && batch.observations == alone.observations)
            #expect(try trainer.step(batch).loss.isFinite)
        }
        #expect(throws: InputError.self) { try ToyRobot.trainer(ToyRobot.recipe { $0.noiseSamples = 0 }) }
    }

    @Test func gradientsAreClippedToTheLimit() throws {
        #expect(gradientScale(norm: 4, limit: nil) == 1)
        #expect(gradientScale(norm: 0.5, limit: 1) == 1)
        #expect(abs(gradientScale(norm: 4, limit: 1) - 0.25) < 1e-6)
        func weights(limit: Double?, reduce: @escaping (any DeviceBuffer) throws -> Void = { _ in }) throws -> [Float] {
            let trainer = try ToyRobot.trainer(ToyRobot.recipe { $0.gradientClip = limit })
            trainer.reduce = reduce
            _ = try losses(trainer, count: 3)
            return trainer.weights
        }
        let free = try weights(limit: nil)
        #expect(try weights(limit: 1e6) == free)
        // Compare with gradients that are scaled to the limit by hand.
        let limit = 0.01
        let shortened = try weights(limit: nil) { gradients in
            let norm = ToyRobot.machine.sumOfSquares(of: gradients).squareRoot()
            #expect(norm > 2 * limit)
            gradients.write(gradients.values().map { $0 * Float(limit / (norm + 1e-6)) })
        }
        #expect(try weights(limit: limit) == shortened)
        #expect(shortened != free)
    }

    @Test func aLossThatIsNotFiniteStopsBeforeTheUpdate() throws {
        let trainer = try ToyRobot.trainer()
        _ = try losses(trainer, count: 2)
        let weights = trainer.weights
        trainer.reduce = { $0.write([.nan]) }
        let error = #expect(throws: TrainingError.self) { try self.losses(trainer, count: 1) }
        #expect(error?.description.hasPrefix("step 3: expected a finite gradient norm, found nan") == true)
        #expect(trainer.weights == weights && trainer.step == 2)
    }

    @Test(arguments: [1, 2]) func aFailedStepChangesNothing(parts: Int) throws {
        let recipe = ToyRobot.recipe { $0.gradientAccumulationSteps = parts }
        let (expected, trainer) = (try ToyRobot.trainer(recipe), try ToyRobot.trainer(recipe))
        let batch = try #require(expected.batches(count: 1).map { $0 }.first)
        let broken = try #require(trainer.batches(count: 1).map { $0 }.first)
        broken.noise[0] = .nan
        #expect(throws: TrainingError.self) { try trainer.step(broken) }
        #expect(try trainer.step(batch) == expected.step(batch))
        #expect(trainer.weights == expected.weights)
    }

    @Test func twoBatchesTakeTurnsUnlessTheyAreKept() throws {
        let trainer = try ToyRobot.trainer()
        var seen: Set<ObjectIdentifier> = []
        for batch in trainer.batches(count: 6) { seen.insert(ObjectIdentifier(batch)) }
        #expect(seen.count <= 2)
        let kept = Array(trainer.batches(count: 6))
        #expect(Set(kept.map(ObjectIdentifier.init)).count == 6)
        #expect(kept.map(\.update) == Array(0..<6))
    }

    @Test func reductionReceivesTheGradientsOfEveryStep() throws {
        let (alone, doubled) = (try ToyRobot.trainer(), try ToyRobot.trainer())
        doubled.reduce = { gradients in gradients.write(gradients.values().map { 2 * $0 }) }
        for (left, right) in zip(alone.batches(count: 1), doubled.batches(count: 1)) {
            let (left, right) = (try alone.step(left), try doubled.step(right))
            #expect(abs(right.gradientNorm - 2 * left.gradientNorm) < 1e-9)
        }
    }

    @Test(arguments: [1, 2], [Precision.float32, nil])
    func checkpointsContinueBitForBit(threads: Int, precision: Precision?) throws {
        let machine = CPUBackend(threads: threads, precision: precision)
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("a.checkpoint")
            let whole = try ToyRobot.trainer(on: machine)
            let expected = try whole.batches().map { try whole.step($0) }

            let first = try ToyRobot.trainer(on: machine)
            _ = try losses(first, count: 3)
            try first.saveCheckpoint(to: url)
            let second = try Trainer(
                resuming: url, recipe: ToyRobot.recipe(), demonstrations: ToyRobot.demonstrations(),
                backend: machine)
            #expect(second.step == 3)
            let rest = try second.batches().map { try second.step($0) }
            #expect(rest == Array(expected[3...]))
            #expect(second.weights == whole.weights)
            #expect(second.averageWeights == whole.averageWeights)
        }
    }

    @Test func exportsTheEMAPolicy() throws {
        try withTemporaryFolder { folder in
            let trainer = try ToyRobot.trainer()
            _ = try losses(trainer, count: 4)
            let (policy, checkpoint) = (folder.appendingPathComponent("policy"), folder.appendingPathComponent("c"))
            try trainer.exportPolicy(to: policy)
            let stored = try PolicyDirectory(policy).read()
            #expect(stored.weights == trainer.averageWeights)
            #expect(stored.weights != trainer.weights)
            #expect(stored.origin["recipe"] == "toy" && stored.origin["steps"] == "4" && stored.origin["seed"] == "3")

            try trainer.saveCheckpoint(to: checkpoint)
            let second = folder.appendingPathComponent("second")
            try PolicyDirectory(second).write(Checkpoint(contentsOf: checkpoint).policy())
            #expect(try PolicyDirectory(second).read() == stored)

            let observations = [Float](repeating: 0.3, count: 2 * 8)
            let keys = [RandomKey(seed: 1)]
            let (now, later) = (
                try trainer.policy(), try DiffusionPolicy(contentsOf: policy, backend: ToyRobot.machine)
            )
            #expect(
                try now.predict(observations: observations, keys: keys)
                    == later.predict(observations: observations, keys: keys))
        }
    }

    @Test func demonstrationsThatDoNotFitAreRefused() throws {
        func error(_ change: (inout Recipe) -> Void) throws -> String {
            var recipe = ToyRobot.recipe()
            change(&recipe)
            do {
                _ = try ToyRobot.trainer(recipe)
                return "accepted"
            } catch { return "\(error)" }
        }
        #expect(try error { $0.policy.action.dimension = 3 }.contains("expected 7, the size of the dataset's feature"))
        #expect(try error { $0.policy.action.feature = "torque" }.contains("\"torque\""))
        #expect(
            try error { $0.policy.observations = ObservationSchema([FeatureSelection("eyes")]) }.contains("\"eyes\""))
        #expect(
            try error { $0.policy.horizon = Horizon(observation: 2, prediction: 64, action: 2) }
                .contains("prediction horizon may be at most"))
        #expect(try error { $0.policy.horizon = Horizon(observation: 2, prediction: 3, action: 2) }.contains("horizon"))
    }
}
