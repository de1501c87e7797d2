package import DPGraph

/// Normalization of each row over its channels: PyTorch's `nn.LayerNorm`.
///
/// See Ba et al. 2016.
package struct LayerNorm: UnaryLayer {
    /// The gain, `NAME.weight`, `[channels]`.
    package let weight: Parameter
    /// `NAME.bias`, `[channels]`.
    package let bias: Parameter
    /// Added to the variance; PyTorch's default is 1e-5.
    package let epsilon: Float

    /// Creates a layer whose parameter names begin with `name`.
    package init(_ name: String, channels: Int, epsilon: Float = 1e-5) {
        weight = Parameter("\(name).weight", [channels], .constant(1))
        bias = Parameter("\(name).bias", [channels], .constant(0))
        self.epsilon = epsilon
    }

    /// The gain, then the bias.
    package var parameters: [Parameter] { [weight, bias] }

    /// Records `[…, channels]` → the same shape.
    package func callAsFunction(_ x: Tensor) -> Tensor {
        x.layerNorm(gain: x.graph.parameter(weight), bias: x.graph.parameter(bias), epsilon: epsilon)
    }
}
