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
    private let steps: Int
    private let isStochastic: Bool
    private var noise: [Float]
    private var position: [Float]

    init(
        _ model: DiffusionModel, sampler: Sampler, batch: Int, parameters: any DeviceBuffer, on backend: any Backend
    ) throws {
        let horizon = model.configuration.horizon
        self.batch = batch
        executable = try backend.compile(
            model.stepGraph(batch: batch, sampler: sampler), parameters: parameters, gradients: nil)
        steps = sampler.steps ?? model.configuration.diffusion.steps
        isStochastic = sampler.isStochastic
        observations = [Float](repeating: 0, count: batch * horizon.observation * model.observationDimension)
        let inputs = model.imageInputs(batch: batch)
        imageNames = inputs.map(\.name)
        images = inputs.map { [Float](repeating: 0, count: $0.shape.count) }
        sample = [Float](repeating: 0, count: batch * horizon.prediction * model.sampleDimension)
        noise = isStochastic ? sample : []
        position = [Float](repeating: 0, count: batch)
    }

    /// Denoises `sample`.
    ///
    /// The noise of step `i` of an item comes from its key folded with `1 + i`, so that it does not depend on the other items.
    /// - Parameter keys: one an item; items behind the last key are padding and get no noise.
    func run(keys: ArraySlice<RandomKey>) throws {
        try condition()
        for step in 0..<steps { try denoise(step, keys: keys) }
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
        fillNoise(keys, folding: 0, into: &sample)
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
