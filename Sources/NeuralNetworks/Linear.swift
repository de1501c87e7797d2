public import TensorGraph

/// `y = x Wᵀ + b` over the innermost axis: PyTorch's `nn.Linear`.
public struct Linear: UnaryLayer {
    /// `NAME.weight`, `[outputs, inputs]`.
    public let weight: Parameter
    /// `NAME.bias`, `[outputs]`.
    public let bias: Parameter

    /// A layer whose parameters begin with `name`.
    public init(_ name: String, inputs: Int, outputs: Int) {
        (weight, bias) = Parameter.weightAndBias(of: name, weight: [outputs, inputs], outputs: outputs)
    }

    /// The weight, then the bias.
    public var parameters: [Parameter] { [weight, bias] }

    /// Records `[…, inputs]` → `[…, outputs]`.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.linear(x.graph.parameter(weight), bias: x.graph.parameter(bias))
    }
}
