public import NeuralNetworks
public import TensorGraph

/// A network that predicts, from noisy actions and the diffusion step, what the noise schedule was set up to predict: the noise, the clean
/// actions or the velocity.
public protocol Denoiser: Layer {
    /// Records one evaluation of the network.
    /// - Parameters:
    ///   - sample: noisy actions, `[batch, time, channel]`.
    ///   - steps: diffusion steps, `[batch]`, or one for all items, `[1]` or a scalar.
    ///   - global: the observations that condition the whole sequence, the oldest first, `[batch, observation, feature]`.
    ///   - local: what conditions each time, `[batch, time, feature]`.
    ///   - dropoutKey: the key of a training run's dropout, `[4]` (see `DropoutMask`); nil while acting, when nothing is dropped.
    /// - Returns: the prediction, `[batch, time, channel]`, as many channels as the network was configured to answer with.
    /// - Precondition: the shapes are those that the network was configured for.
    func callAsFunction(_ sample: Tensor, steps: Tensor, global: Tensor?, local: Tensor?, dropoutKey: Tensor?)
        -> Tensor
}
