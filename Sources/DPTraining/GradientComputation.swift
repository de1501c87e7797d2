import DPBase
import DPDatasets
import DPGraph
import DPInterface
import DPPolicy

/// Computes the loss of a batch and the gradients of all weights, with the number of gradient accumulation steps in
/// the recipe.
final class GradientComputation {
    private let executable: any Executable
    private let gradients: any DeviceBuffer
    /// The summed gradients of all parts before the last; nil when there is only one part.
    private let sum: (any DeviceBuffer)?
    private let parts: Int
    /// The root of the dropout keys; nil when the network has no dropout.
    private let dropoutRoot: RandomKey?
    /// The numbers that encode the dropout key of a run.
    private var keyPieces = DropoutMask.pieces(of: 0)
    private let backend: any Backend

    init(_ model: DiffusionModel, training: TrainingConfiguration, state: TrainingState, on backend: any Backend) throws
    {
        parts = training.gradientAccumulationSteps
        gradients = state.gradients
        sum = parts > 1 ? try backend.makeBuffer(count: model.table.count) : nil
        self.backend = backend
        let graph = model.trainingGraph(
            batch: training.microBatchSize, noiseSamples: training.noiseSamples, masksPadding: !training.lossOnPadding)
        dropoutRoot = graph.hasInput("dropout_key") ? RandomKey(seed: training.seed).folding("dropout") : nil
        executable = try backend.compile(graph, parameters: state.parameters, gradients: gradients)
        // Each part's loss is a mean over the part; scaled by the part's fraction, the gradients add up to those of
        // the whole batch.
        executable.write("loss_scale", [1 / Float(parts)])
    }

    /// Returns the dropout key for a part of an update's batch; nil when the network has no dropout.
    ///
    /// Each part has its own key, derived from the seed, so that a resumed run drops the same elements.
    func dropoutKey(update: Int, part: Int) -> RandomKey? { dropoutRoot?.folding(update * parts + part) }

    /// Computes the gradients of the batch's mean loss into the training state and returns that loss.
    func compute(_ batch: Batch) throws -> Double {
        sum?.writeZeros()
        var loss = 0.0
        for part in 0..<parts {
            executable.write(batch, part: part, of: parts)
            if let key = dropoutKey(update: batch.update, part: part) {
                DropoutMask.write(key.bits(at: 0), to: &keyPieces)
                executable.write("dropout_key", keyPieces)
            }
            try executable.run(.iteration)
            loss += executable.loss() / Double(parts)
            if let sum, part < parts - 1 { try backend.add(gradients, scaledBy: 1, to: sum) }
        }
        if let sum { try backend.add(sum, scaledBy: 1, to: gradients) }
        return loss
    }
}

/// Computes the loss of a policy on held-out windows.
final class ValidationLoss {
    private let model: DiffusionModel
    private let assembler: BatchAssembler
    private let average: any DeviceBuffer
    private let backend: any Backend
    private lazy var batch = Batch(count: count, layout: assembler.layout)
    private var executable: (any Executable)?

    init(_ model: DiffusionModel, assembler: BatchAssembler, average: any DeviceBuffer, on backend: any Backend) {
        self.model = model
        self.assembler = assembler
        self.average = average
        self.backend = backend
    }

    private var count: Int { min(assembler.batchSize, 256) }

    /// Returns the mean loss over all windows; the last batch is filled up with the first windows, so that all
    /// batches have equal weight.
    func measure(_ windows: SequenceSampler) throws -> Double {
        let executable =
            try executable
            ?? backend.compile(
                model.lossGraph(batch: count, masksPadding: assembler.layout.masksPadding), parameters: average,
                gradients: nil)
        self.executable = executable
        return try backend.perform {
            let batches = (windows.count + count - 1) / count
            var sum = 0.0
            for index in 0..<batches {
                assembler.fillValidation(batch, from: windows, first: index * count)
                executable.write(batch, part: 0, of: 1)
                try executable.run(.iteration)
                sum += executable.loss()
            }
            return sum / Double(batches)
        }
    }
}

extension Executable {
    /// Sets the inputs of a training graph to one of a batch's equal parts.
    fileprivate func write(_ batch: Batch, part: Int, of parts: Int) {
        func write(_ name: String, _ values: [Float]) {
            let size = values.count / parts
            values.withUnsafeBufferPointer {
                self.write(name, UnsafeBufferPointer(rebasing: $0[part * size..<(part + 1) * size]))
            }
        }
        if !batch.observations.isEmpty { write("observation", batch.observations) }
        for (input, values) in batch.images { write(input, values) }
        write("action", batch.actions)
        if !batch.inEpisode.isEmpty { write("in_episode", batch.inEpisode) }
        write("noise", batch.noise)
        write("steps", batch.steps)
    }

    /// The loss of the latest run.
    fileprivate func loss() -> Double {
        var loss: Float = 0
        withUnsafeMutablePointer(to: &loss) { read("loss", into: UnsafeMutableBufferPointer(start: $0, count: 1)) }
        return Double(loss)
    }
}

extension DeviceBuffer {
    /// Sets every element to 0, including NaN, which scaling by 0 would not clear.
    fileprivate func writeZeros() {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 4096) { zeros in
            zeros.initialize(repeating: 0)
            for offset in stride(from: 0, to: count, by: zeros.count) {
                write(UnsafeBufferPointer(rebasing: zeros[..<min(zeros.count, count - offset)]), offset: offset)
            }
        }
    }
}
