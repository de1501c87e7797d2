import DPBase
import DPGraph
import DPInterface

/// A sampler compiled for one batch size, with preallocated memory: a run allocates nothing.
final class DenoisingLoop {
    /// Number of items that a run denoises.
    let batch: Int
    /// Normalized observations, `[batch, To, D]`.
    var observations: [Float]
    /// The preprocessed images of each camera, `[batch, To, height, width, 3]`.
    var images: [[Float]]
    /// The starting noise before a run, the denoised sample after it, `[batch, Tp, C]`.
    var sample: [Float]

    private let executable: any Executable
    private let imageNames: [String]
    /// The factors of the clean sample and of the noise before each step.
    private let levels: [(clean: Float, noise: Float)]
    private let isStochastic: Bool
    private let sampleDimension: Int
    private let actionDimension: Int
    private var noise: [Float]
    private var position: [Float]
    /// The first step of each item: 0, or a later one for items with a warm start.
    private var entries: [Int]
    /// The samples of items with a warm start before their first step, `[batch, Tp, C]`.
    private var warmSample: [Float]

    init(
        _ model: DiffusionModel, sampler: Sampler, batch: Int, parameters: any DeviceBuffer, on backend: any Backend
    ) throws {
        let (horizon, schedule) = (model.configuration.horizon, model.schedule)
        self.batch = batch
        executable = try backend.compile(
            model.stepGraph(batch: batch, sampler: sampler), parameters: parameters, gradients: nil)
        levels = try sampler.table(for: model.configuration.diffusion.prediction, schedule: schedule).map {
            (Float(schedule.sampleScales[$0.timestep]), Float(schedule.noiseScales[$0.timestep]))
        }
        isStochastic = sampler.isStochastic
        sampleDimension = model.sampleDimension
        actionDimension = model.configuration.action.dimension
        observations = [Float](repeating: 0, count: batch * horizon.observation * model.observationDimension)
        let inputs = model.imageInputs(batch: batch)
        imageNames = inputs.map(\.name)
        images = inputs.map { [Float](repeating: 0, count: $0.shape.count) }
        sample = [Float](repeating: 0, count: batch * horizon.prediction * model.sampleDimension)
        noise = isStochastic ? sample : []
        position = [Float](repeating: 0, count: batch)
        entries = [Int](repeating: 0, count: batch)
        warmSample = sample
    }

    /// Number of denoising steps of a sample that starts from pure noise.
    var steps: Int { levels.count }

    /// Denoises `sample`.
    ///
    /// The noise of step `i` of an item comes from its key folded with `1 + i`, so that it does not depend on the
    /// other items. Steps before the first step of every item are skipped.
    /// - Parameters:
    ///   - keys: one per item; items after the last key are padding and receive no noise.
    ///   - visit: receives the number of completed or skipped steps, before the first step and after each step.
    func run(keys: ArraySlice<RandomKey>, visit: (_ steps: Int) throws -> Void) throws {
        try condition()
        let first = entries[..<keys.count].min() ?? 0
        try visit(first)
        for step in first..<steps {
            try denoise(step, keys: keys)
            restoreItems(behind: step)
            try visit(step + 1)
        }
    }

    /// Performs one step, so that weights are packed, tables are computed, and memory is mapped before the first run.
    func warmUp() throws {
        try condition()
        try denoise(0, keys: [])
    }

    /// Computes the values shared by all steps.
    private func condition() throws {
        if !observations.isEmpty { executable.write("observation", observations) }
        for (name, values) in zip(imageNames, images) { executable.write(name, values) }
        try executable.run(.conditioning)
    }

    private func denoise(_ step: Int, keys: ArraySlice<RandomKey>) throws {
        for item in position.indices { position[item] = Float(step) }
        executable.write("step", position)
        executable.write("sample", sample)
        if isStochastic {
            fillNoise(keys, folding: 1 + step, into: &noise)
            executable.write("noise", noise)
        }
        try executable.run(.iteration)
        sample.withUnsafeMutableBufferPointer { executable.read("previous", into: $0) }
    }

    /// Sets `sample` to the starting noise of each item, which comes from its key folded with 0.
    func start(keys: ArraySlice<RandomKey>) {
        for item in entries.indices { entries[item] = 0 }
        fillNoise(keys, folding: 0, into: &sample)
    }

    /// Starts an item warm: runs only its last steps, from `√ᾱ_t · actions + √(1 − ᾱ_t) · noise`.
    ///
    /// t is the diffusion step that the first of them denoises, and the noise is the starting noise in `sample`.
    /// Inpainted observations of the future are unknown; 0, the middle of the normalized range, replaces them.
    /// - Parameters:
    ///   - item: the index of the item.
    ///   - actions: normalized, `[Tp, A]`.
    ///   - count: the number of remaining steps, in `1 ... steps`.
    func warm(_ item: Int, from actions: [Float], steps count: Int) {
        let size = sample.count / batch
        entries[item] = steps - count
        let level = levels[entries[item]]
        for index in 0..<size {
            let (time, component) = (index / sampleDimension, index % sampleDimension)
            let clean = component < actionDimension ? actions[time * actionDimension + component] : 0
            warmSample[item * size + index] = level.clean * clean + level.noise * sample[item * size + index]
        }
        restore(item)
    }

    /// Restores items whose first step comes later.
    private func restoreItems(behind step: Int) {
        for item in entries.indices where entries[item] > step { restore(item) }
    }

    private func restore(_ item: Int) {
        let size = sample.count / batch
        for index in item * size..<(item + 1) * size { sample[index] = warmSample[index] }
    }

    private func fillNoise(_ keys: ArraySlice<RandomKey>, folding number: Int, into values: inout [Float]) {
        let size = values.count / batch
        values.withUnsafeMutableBufferPointer { values in
            for (item, key) in keys.enumerated() {
                key.folding(number)
                    .fillNormal(UnsafeMutableBufferPointer(rebasing: values[item * size..<(item + 1) * size]))
            }
        }
    }
}
