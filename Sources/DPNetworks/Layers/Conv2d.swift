package import DPGraph

/// A convolution over images: PyTorch's `nn.Conv2d`, for images `[batch, height, width, channel]`.
package struct Conv2d: UnaryLayer {
    /// `NAME.weight`, `[outputChannels, inputChannels, kernelSize, kernelSize]`.
    package let weight: Parameter
    /// `NAME.bias`, `[outputChannels]`; nil for a layer without a bias.
    package let bias: Parameter?
    /// Kernel, stride, and padding.
    package let geometry: Convolution2D

    /// Creates a layer with a bias whose parameter names begin with `name`, with PyTorch's default initialization.
    package init(
        _ name: String, inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0
    ) {
        (weight, bias) = Parameter.weightAndBias(
            of: name, weight: [outputChannels, inputChannels, kernelSize, kernelSize], outputs: outputChannels)
        geometry = Convolution2D(kernel: kernelSize, stride: stride, padding: padding)
    }

    /// Creates a layer without a bias, to be followed by a normalization and ReLU.
    ///
    /// Weights start normally distributed with variance `2 / (outputChannels · kernelSize²)`, which preserves the
    /// magnitude of gradients through ReLU (He et al. 2015; torchvision's ResNet).
    package init(
        unbiased name: String, inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1,
        padding: Int = 0
    ) {
        let fanOut = outputChannels * kernelSize * kernelSize
        weight = Parameter(
            "\(name).weight", [outputChannels, inputChannels, kernelSize, kernelSize],
            .normal(standardDeviation: Float((2 / Double(fanOut)).squareRoot())))
        bias = nil
        geometry = Convolution2D(kernel: kernelSize, stride: stride, padding: padding)
    }

    /// The weight, then the bias.
    package var parameters: [Parameter] { [weight] + (bias.map { [$0] } ?? []) }

    /// Records `[batch, height, width, inputChannels]` → `[batch, windows, windows, outputChannels]`, where along
    /// each axis `windows` is `(extent + 2 · padding − kernelSize) / stride + 1`.
    package func callAsFunction(_ x: Tensor) -> Tensor {
        x.convolution2D(x.graph.parameter(weight), bias: bias.map(x.graph.parameter), geometry)
    }
}
