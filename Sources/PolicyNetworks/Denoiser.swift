public import NeuralNetworks
public import TensorGraph

/// A network that predicts, from noisy actions and the diffusion step, what the noise schedule was set up to predict: the noise, the clean
/// actions or the velocity.
public protocol Denoiser: Layer {
    /// Records one evaluation of the network.
    /// - Parameters:
    ///   - sample: noisy actions, `[batch, time, channel]`.
    ///   - steps: diffusion steps, `[batch]`, or one for all items, `[1]` or a scalar.
    ///   - global: what conditions the whole sequence, `[batch, feature]`.
    ///   - local: what conditions each time, `[batch, time, feature]`.
    /// - Returns: the prediction, in the shape of `sample`.
    /// - Precondition: the shapes are those that the network was configured for.
    func callAsFunction(_ sample: Tensor, steps: Tensor, global: Tensor?, local: Tensor?) -> Tensor
}
