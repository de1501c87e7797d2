package import DPGraph

/// A convolution over time: PyTorch's `nn.Conv1d`, for sequences `[batch, time, channel]`.
package struct Conv1d: UnaryLayer {
    /// `NAME.weight`, `[outputChannels, inputChannels, kernelSize]`.
    package let weight: Parameter
    /// `NAME.bias`, `[outputChannels]`.
    package let bias: Parameter
    /// Kernel, stride, and padding.
    package let geometry: Convolution1D

    /// Creates a layer whose parameter names begin with `name`.
    package init(
        _ name: String, inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0
    ) {
        (weight, bias) = Parameter.weightAndBias(
            of: name, weight: [outputChannels, inputChannels, kernelSize], outputs: outputChannels)
        geometry = Convolution1D(kernel: kernelSize, stride: stride, padding: padding)
    }

    /// The weight, then the bias.
    package var parameters: [Parameter] { [weight, bias] }

    /// Records `[batch, time, inputChannels]` →
    /// `[batch, (time + 2 · padding − kernelSize) / stride + 1, outputChannels]`.
    package func callAsFunction(_ x: Tensor) -> Tensor {
        x.convolution1D(x.graph.parameter(weight), bias: x.graph.parameter(bias), geometry)
    }
}
