public import TensorGraph

/// A convolution over time: PyTorch's `nn.Conv1d`, for sequences `[batch, time, channel]`.
public struct Conv1d: UnaryLayer {
    /// `NAME.weight`, `[outputChannels, inputChannels, kernelSize]`.
    public let weight: Parameter
    /// `NAME.bias`, `[outputChannels]`.
    public let bias: Parameter
    /// Kernel, stride and padding.
    public let geometry: Convolution1D

    /// A layer whose parameters begin with `name`.
    public init(
        _ name: String, inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0
    ) {
        (weight, bias) = Parameter.weightAndBias(
            of: name, weight: [outputChannels, inputChannels, kernelSize], outputs: outputChannels)
        geometry = Convolution1D(kernel: kernelSize, stride: stride, padding: padding)
    }

    /// The weight, then the bias.
    public var parameters: [Parameter] { [weight, bias] }

    /// Records `[batch, time, inputChannels]` → `[batch, (time + 2 · padding − kernelSize) / stride + 1, outputChannels]`.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.convolution1D(x.graph.parameter(weight), bias: x.graph.parameter(bias), geometry)
    }
}
