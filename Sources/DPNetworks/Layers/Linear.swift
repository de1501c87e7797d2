package import DPGraph

/// `y = x Wᵀ + b` over the innermost axis: PyTorch's `nn.Linear`.
package struct Linear: UnaryLayer {
    /// `NAME.weight`, `[outputs, inputs]`.
    package let weight: Parameter
    /// `NAME.bias`, `[outputs]`.
    package let bias: Parameter

    /// Creates a layer whose parameter names begin with `name`.
    package init(_ name: String, inputs: Int, outputs: Int) {
        (weight, bias) = Parameter.weightAndBias(of: name, weight: [outputs, inputs], outputs: outputs)
    }

    /// The weight, then the bias.
    package var parameters: [Parameter] { [weight, bias] }

    /// Records `[…, inputs]` → `[…, outputs]`.
    package func callAsFunction(_ x: Tensor) -> Tensor {
        x.linear(x.graph.parameter(weight), bias: x.graph.parameter(bias))
    }
}
