import NeuralNetworks
import NoiseSchedules
import PolicyInterface
import PolicyNetworks
public import TensorGraph

/// The mathematics of a policy without its numbers: it builds the graphs that train the network and that denoise with it.
///
/// Everything here is normalised. Letters in shapes: `b` the batch, `To` and `Tp` the horizons, `D` and `A` the components of an observation
/// and of an action, `C` those of what is denoised: `A`, or `A + D` when the observations are inpainted.
public struct DiffusionModel: Sendable {
    /// What the model was built for.
    public let configuration: PolicyConfiguration
    /// The parameters of the network, under the names that PyTorch gives them.
    public let table: ParameterTable
    /// The components `D` of an observation.
    public let observationDimension: Int
    /// The components `C` of what is denoised; actions come first.
    public let sampleDimension: Int
    /// How the diffusion mixes samples and noise.
    let schedule: NoiseSchedule
    let denoiser: any Denoiser

    /// The model of a configuration.
    /// - Throws: `InvalidSetting` or another error of `PolicyConfiguration.validate()`.
    public init(_ configuration: PolicyConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
        schedule = try configuration.diffusion.schedule()
        let (horizon, actions) = (configuration.horizon, configuration.action.dimension)
        let observations = try configuration.observationDimension()
        observationDimension = observations
        sampleDimension = configuration.conditioning == .inpainting ? actions + observations : actions
        denoiser =
            switch configuration.conditioning {
            case .global:
                try configuration.denoiser.denoiser(
                    channels: actions, global: horizon.observation * observations, local: nil)
            case .local:
                try configuration.denoiser.denoiser(channels: actions, global: nil, local: observations)
            case .inpainting:
                try configuration.denoiser.denoiser(channels: actions + observations, global: nil, local: nil)
            }
        table = ParameterTable(denoiser.parameters)
    }

    /// How many observations of a window training needs: `Tp` when they are part of what is denoised, else `To`.
    public var trainingObservations: Int {
        configuration.conditioning == .inpainting ? configuration.horizon.prediction : configuration.horizon.observation
    }

    /// The network's answer to a diffused sample `[b, Tp, C]` at steps `[b]`, given observations `[b, To, D]`.
    func output(_ sample: Tensor, steps: Tensor, observation: Tensor) -> Tensor {
        let (batch, horizon) = (sample.shape[0], configuration.horizon)
        switch configuration.conditioning {
        case .global:
            let flat = observation.reshaped(to: [batch, horizon.observation * observationDimension])
            return denoiser(sample, steps: steps, global: flat, local: nil)
        case .local:
            return denoiser(sample, steps: steps, global: nil, local: paddedWithZeros(observation))
        case .inpainting:
            return denoiser(sample, steps: steps, global: nil, local: nil)
        }
    }

    /// A sample `[b, Tp, C]` in which what is known is put in its place: the first `To` observations when they are inpainted.
    func holdingKnown(_ sample: Tensor, observation: Tensor) -> Tensor {
        guard configuration.conditioning == .inpainting else { return sample }
        let (horizon, actions) = (configuration.horizon, configuration.action.dimension)
        let unknown = sample.slice(axis: 2, actions..<sampleDimension)
        let held =
            horizon.observation == horizon.prediction
            ? observation
            : Tensor.concatenate(
                [observation, unknown.slice(axis: 1, horizon.observation..<horizon.prediction)], axis: 1)
        return Tensor.concatenate([sample.slice(axis: 2, 0..<actions), held], axis: 2)
    }

    /// Observations `[b, To, D]` followed by zeros: `[b, Tp, D]`.
    private func paddedWithZeros(_ observation: Tensor) -> Tensor {
        let missing = configuration.horizon.prediction - configuration.horizon.observation
        guard missing > 0 else { return observation }
        let shape: Shape = [observation.shape[0], missing, observationDimension]
        let zeros = observation.graph.constant([0], [1, 1, 1]).broadcast(to: shape)
        return Tensor.concatenate([observation, zeros], axis: 1)
    }
}
