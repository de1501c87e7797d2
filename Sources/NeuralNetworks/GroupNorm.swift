public import TensorGraph

/// Normalisation over groups of channels (Wu & He 2018): PyTorch's `nn.GroupNorm`, for sequences `[batch, time, channel]` and images
/// `[batch, height, width, channel]`.
///
/// Each group of neighbouring channels of one batch item is brought to mean 0 and variance 1 over all times or pixels, then every channel is
/// multiplied by its gain and its bias is added.
public struct GroupNorm: UnaryLayer {
    /// The gain, `NAME.weight`, `[channels]`.
    public let weight: Parameter
    /// `NAME.bias`, `[channels]`.
    public let bias: Parameter
    /// Number of groups; it divides the number of channels.
    public let groups: Int
    /// Added to the variance; PyTorch's default is 1e-5.
    public let epsilon: Float

    /// A layer whose parameters begin with `name`.
    public init(_ name: String, groups: Int, channels: Int, epsilon: Float = 1e-5) {
        weight = Parameter("\(name).weight", [channels], .constant(1))
        bias = Parameter("\(name).bias", [channels], .constant(0))
        self.groups = groups
        self.epsilon = epsilon
    }

    /// The gain, then the bias.
    public var parameters: [Parameter] { [weight, bias] }

    /// Records `[batch, …, channels]` → the same shape; the pixels of an image are as good as times.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let positions = x.shape.count / (x.shape[0] * x.shape.last)
        return x.reshaped(to: [x.shape[0], positions, x.shape.last])
            .groupNorm(groups: groups, gain: x.graph.parameter(weight), bias: x.graph.parameter(bias), epsilon: epsilon)
            .reshaped(to: x.shape)
    }
}
