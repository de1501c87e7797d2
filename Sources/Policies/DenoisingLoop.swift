import NoiseSchedules
import PolicyInterface
import TensorGraph

/// A sampler compiled for batches of one size, with the memory that it needs: a run allocates nothing.
final class DenoisingLoop {
    /// How many items a run denoises.
    let batch: Int
    /// Normalised observations, `[batch, To, D]`.
    var observations: [Float]
    /// What the network sees of each camera's images, `[batch, To, height, width, 3]`.
    var images: [[Float]]
    /// The starting noise before a run, the denoised sample after it, `[batch, Tp, C]`.
    var sample: [Float]

    private let executable: any Executable
    private let imageNames: [String]
    /// How much of a clean sample and how much noise there is before each step.
    private let levels: [(clean: Float, noise: Float)]
    private let isStochastic: Bool
    private let sampleDimension: Int
    private let actionDimension: Int
    private var noise: [Float]
    private var position: [Float]
    /// The first step of each item: 0, or a later one for items that start warm.
    private var entries: [Int]
    /// What items that start warm are before their first step, `[batch, Tp, C]`.
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

    /// How many steps denoise a sample that starts from noise alone.
    var steps: Int { levels.count }

    /// Denoises `sample`.
    ///
    /// The noise of step `i` of an item comes from its key folded with `1 + i`, so that it does not depend on the other items. Steps before the first of
    /// every item are left out.
    /// - Parameters:
    ///   - keys: one an item; items behind the last key are padding and get no noise.
    ///   - visit: told how many steps were done or left out, before the first one and after each.
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

    /// Does once what a run does, so that weights are packed, tables computed and memory mapped before the first one.
    func warmUp() throws {
        try condition()
        try denoise(0, keys: [])
    }

    /// Computes what all steps share.
    private func condition() throws {
        if !observations.isEmpty { executable.write("observation", observations) }
        for (name, values) in zip(imageNames, images) { executable.write(name, values) }
        try executable.run(.chunk)
    }

    private func denoise(_ step: Int, keys: ArraySlice<RandomKey>) throws {
        for item in position.indices { position[item] = Float(step) }
        executable.write("step", position)
        executable.write("sample", sample)
        if isStochastic {
            fillNoise(keys, folding: 1 + step, into: &noise)
            executable.write("noise", noise)
        }
        try executable.run(.step)
        sample.withUnsafeMutableBufferPointer { executable.read("previous", into: $0) }
    }

    /// Sets `sample` to the starting noise of each item, which comes from its key folded with 0.
    func start(keys: ArraySlice<RandomKey>) {
        for item in entries.indices { entries[item] = 0 }
        fillNoise(keys, folding: 0, into: &sample)
    }

    /// Lets an item start warm, with its last steps only, from `√ᾱ_t · actions + √(1 − ᾱ_t) · noise`: t is the diffusion's step that the first of them
    /// denoises, and the noise the starting noise that `sample` holds.
    ///
    /// Inpainted observations of the future are not known: for them the middle of the normalised range, 0, stands in for the actions.
    /// - Parameters:
    ///   - item: which item.
    ///   - actions: normalised, `[Tp, A]`.
    ///   - count: how many steps are left, in `1 ... steps`.
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

    /// Takes back what a step did to items whose first step comes later.
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
