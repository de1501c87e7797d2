public import TensorGraph

/// Normalisation of each row over its channels: PyTorch's `nn.LayerNorm`.
///
/// (Ba et al. 2016.)
public struct LayerNorm: UnaryLayer {
    /// The gain, `NAME.weight`, `[channels]`.
    public let weight: Parameter
    /// `NAME.bias`, `[channels]`.
    public let bias: Parameter
    /// Added to the variance; PyTorch's default is 1e-5.
    public let epsilon: Float

    /// A layer whose parameters begin with `name`.
    public init(_ name: String, channels: Int, epsilon: Float = 1e-5) {
        weight = Parameter("\(name).weight", [channels], .constant(1))
        bias = Parameter("\(name).bias", [channels], .constant(0))
        self.epsilon = epsilon
    }

    /// The gain, then the bias.
    public var parameters: [Parameter] { [weight, bias] }

    /// Records `[…, channels]` → the same shape.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.layerNorm(gain: x.graph.parameter(weight), bias: x.graph.parameter(bias), epsilon: epsilon)
    }
}
