package import DPGraph

/// A transposed convolution over time: PyTorch's `nn.ConvTranspose1d`, for sequences `[batch, time, channel]`.
package struct ConvTranspose1d: UnaryLayer {
    /// `NAME.weight`, `[inputChannels, outputChannels, kernelSize]`.
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
            of: name, weight: [inputChannels, outputChannels, kernelSize], outputs: outputChannels)
        geometry = Convolution1D(kernel: kernelSize, stride: stride, padding: padding)
    }

    /// The weight, then the bias.
    package var parameters: [Parameter] { [weight, bias] }

    /// Records `[batch, time, inputChannels]` →
    /// `[batch, (time − 1) · stride − 2 · padding + kernelSize, outputChannels]`.
    package func callAsFunction(_ x: Tensor) -> Tensor {
        x.transposedConvolution1D(x.graph.parameter(weight), bias: x.graph.parameter(bias), geometry)
    }
}
