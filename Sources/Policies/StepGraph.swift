public import NoiseSchedules
import PolicyInterface
public import TensorGraph

extension DiffusionModel {
    /// One step of a sampler, network included.
    ///
    /// Inputs, all normalised:
    /// - `observation` `[b, To, D]`, once a chunk,
    /// - `sample` `[b, Tp, C]`: the diffused sample,
    /// - `step` `[b]`: positions in the sampler's table, 0 the noisiest,
    /// - `noise` `[b, Tp, C]`: fresh noise, only if the sampler is stochastic.
    ///
    /// The output is `previous` `[b, Tp, C]`, the less noisy sample. What is known is put into its place before the network sees the
    /// sample, so that a last step leaves the action right but not the inpainted observations.
    /// - Throws: `InvalidSetting` when the diffusion lacks the sampler's steps.
    public func stepGraph(batch: Int, sampler: Sampler) throws -> Graph {
        let steps = try sampler.table(for: configuration.diffusion.prediction, schedule: schedule)
        let builder = GraphBuilder(parameters: table)
        let shape: Shape = [batch, configuration.horizon.prediction, sampleDimension]
        let observation = builder.input(
            "observation", [batch, configuration.horizon.observation, observationDimension], rate: .chunk)
        let sample = builder.input("sample", shape)
        let numbers = Coefficients(
            in: builder, at: builder.input("step", [batch]),
            rows: steps.map { step in
                [
                    Double(step.timestep), step.sampleFromCurrent, step.sampleFromOutput, step.previousFromSample,
                    step.previousFromCurrent, step.previousFromOutput, step.noiseScale,
                ]
            })

        let current = holdingKnown(sample, observation: observation)
        let output = output(current, steps: numbers.vector(0), observation: observation)
        var clean = numbers[1] * current + numbers[2] * output
        if let clip = configuration.diffusion.clip.map(Float.init) { clean = clean.clamped(to: -clip...clip) }
        var previous = numbers[3] * clean + numbers[4] * current + numbers[5] * output
        if sampler.isStochastic { previous = previous + numbers[6] * builder.input("noise", shape) }
        return builder.graph(outputs: [("previous", previous)])
    }
}
