package import DPGraph

/// A network that predicts, from noisy actions and the diffusion step, the quantity that the diffusion is
/// configured for: the noise, the clean actions, or the velocity.
package protocol Denoiser: Layer {
    /// Records one evaluation of the network.
    /// - Parameters:
    ///   - sample: noisy actions, `[batch, time, channel]`.
    ///   - steps: diffusion steps, `[batch]`, or one for all items, `[1]` or a scalar.
    ///   - global: the observations that condition the whole sequence, oldest first, `[batch, observation, feature]`.
    ///   - local: the condition of each time step, `[batch, time, feature]`.
    ///   - dropoutKey: the dropout key of a training step, `[4]` (see `DropoutMask`); nil during inference, when
    ///     nothing is dropped.
    /// - Returns: the prediction, `[batch, time, channel]`, with the configured number of output channels.
    /// - Precondition: the shapes match the network's configuration.
    func callAsFunction(_ sample: Tensor, steps: Tensor, global: Tensor?, local: Tensor?, dropoutKey: Tensor?)
        -> Tensor
}
