import NoiseSchedules
import PolicyInterface
public import TensorGraph

extension DiffusionModel {
    /// The loss of a batch and its gradients.
    ///
    /// Inputs, all normalised:
    /// - `observation` `[b, trainingObservations, D]` and `action` `[b, Tp, A]`: a window of a demonstration,
    /// - `noise` `[b, Tp, C]`: from the standard normal distribution,
    /// - `steps` `[b]`: steps of the diffusion, each uniform in `0 ..< diffusion.steps`,
    /// - `loss_scale` `[]`: a factor of every gradient, the share of this batch in the whole one when gradients accumulate.
    ///
    /// The output is `loss` `[]`, not scaled. Sampling the step and comparing with plain squared error is algorithm 1 of Ho et al. 2020.
    public func trainingGraph(batch: Int) -> Graph {
        let builder = GraphBuilder(parameters: table)
        let loss = loss(in: builder, batch: batch)
        let gradients = builder.gradients(of: loss, scaledBy: builder.input("loss_scale", []))
        return builder.graph(outputs: [("loss", loss)], gradients: gradients)
    }

    /// The loss of a batch alone, for validation: the inputs and the output of `trainingGraph(batch:)` but for `loss_scale`.
    public func lossGraph(batch: Int) -> Graph {
        let builder = GraphBuilder(parameters: table)
        return builder.graph(outputs: [("loss", loss(in: builder, batch: batch))])
    }

    private func loss(in builder: GraphBuilder, batch: Int) -> Tensor {
        let horizon = configuration.horizon
        let actions = builder.input("action", [batch, horizon.prediction, configuration.action.dimension])
        let observations = builder.input("observation", [batch, trainingObservations, observationDimension])
        let noise = builder.input("noise", [batch, horizon.prediction, sampleDimension])
        let steps = builder.input("steps", [batch])

        let sample =
            configuration.conditioning == .inpainting ? Tensor.concatenate([actions, observations], axis: 2) : actions
        let known = observations.slice(axis: 1, 0..<horizon.observation)
        let numbers = Coefficients(
            in: builder, at: steps,
            rows: (0..<schedule.steps).map { step in
                let target = configuration.diffusion.prediction.target(at: step, of: schedule)
                return [schedule.sampleScales[step], schedule.noiseScales[step], target.sample, target.noise]
            })
        let diffused = holdingKnown(numbers[0] * sample + numbers[1] * noise, observation: known)
        let prediction = output(diffused, steps: steps, observation: known)
        let target = numbers[2] * sample + numbers[3] * noise
        return unknownPart(of: prediction).meanSquaredError(to: unknownPart(of: target))
    }

    /// Zero where a sample is known beforehand, so that it has no part in the loss; the mean still counts it, as the reference does.
    private func unknownPart(of sample: Tensor) -> Tensor {
        guard configuration.conditioning == .inpainting else { return sample }
        let zeros = sample.graph.constant([0], [1, 1, 1])
            .broadcast(to: [sample.shape[0], configuration.horizon.observation, observationDimension])
        return holdingKnown(sample, observation: zeros)
    }
}
