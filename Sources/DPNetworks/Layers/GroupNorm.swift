package import DPGraph

/// Normalization over groups of channels (Wu & He 2018): PyTorch's `nn.GroupNorm`, for sequences
/// `[batch, time, channel]` and images `[batch, height, width, channel]`.
///
/// Each group of neighboring channels of one batch item is normalized to mean 0 and variance 1 over all time steps
/// or pixels; then each channel is multiplied by its gain and its bias is added.
package struct GroupNorm: UnaryLayer {
    /// The gain, `NAME.weight`, `[channels]`.
    package let weight: Parameter
    /// `NAME.bias`, `[channels]`.
    package let bias: Parameter
    /// Number of groups, a divisor of the number of channels.
    package let groups: Int
    /// Added to the variance; PyTorch's default is 1e-5.
    package let epsilon: Float

    /// Creates a layer whose parameter names begin with `name`.
    package init(_ name: String, groups: Int, channels: Int, epsilon: Float = 1e-5) {
        weight = Parameter("\(name).weight", [channels], .constant(1))
        bias = Parameter("\(name).bias", [channels], .constant(0))
        self.groups = groups
        self.epsilon = epsilon
    }

    /// The gain, then the bias.
    package var parameters: [Parameter] { [weight, bias] }

    /// Records `[batch, …, channels]` → the same shape; the pixels of an image are treated as time steps.
    package func callAsFunction(_ x: Tensor) -> Tensor {
        let positions = x.shape.count / (x.shape[0] * x.shape.last)
        return x.reshaped(to: [x.shape[0], positions, x.shape.last])
            .groupNorm(groups: groups, gain: x.graph.parameter(weight), bias: x.graph.parameter(bias), epsilon: epsilon)
            .reshaped(to: x.shape)
    }
}
