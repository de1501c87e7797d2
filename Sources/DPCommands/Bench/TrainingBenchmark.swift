import DPCPU
import DPGraph
import DPPolicy
import DPTraining

/// Measures training steps.
struct TrainingBenchmark {
    private let trainer: Trainer
    private let preparation: Duration

    init(_ subject: BenchmarkSubject, machine: CPUBackend) throws {
        let (recipe, demonstrations) = try subject.trainingInput()
        let start = ContinuousClock.now
        trainer = try Trainer(recipe: recipe, demonstrations: demonstrations, backend: machine)
        preparation = ContinuousClock.now - start
    }

    /// Measures from the end of one training step to the end of the next, so that waiting for a batch counts.
    ///
    /// The first steps warm up.
    func measure(repetitions: Int) throws -> Measurement {
        let warmUp = 3
        var ends: [ContinuousClock.Instant] = []
        var updates: [Duration] = []
        for batch in trainer.batches(count: repetitions + warmUp) {
            let start = ContinuousClock.now
            _ = try trainer.step(batch)
            ends.append(.now)
            updates.append(ends[ends.count - 1] - start)
        }
        let steps = Timing(zip(ends.dropFirst(warmUp - 1), ends.dropFirst(warmUp)).map { $1 - $0 })
        return Measurement(
            work: .training, parameters: trainer.model.table.parameterCount, batch: trainer.recipe.training.batchSize,
            milliseconds: steps,
            details: [
                "preparation_ms": preparation / .milliseconds(1),
                "waiting_for_batch_ms": max(0, steps.median - Timing(Array(updates.dropFirst(warmUp))).median),
            ])
    }
}
