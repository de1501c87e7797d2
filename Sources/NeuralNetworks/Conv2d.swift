public import TensorGraph

/// A convolution over images: PyTorch's `nn.Conv2d`, for images `[batch, height, width, channel]`.
public struct Conv2d: UnaryLayer {
    /// `NAME.weight`, `[outputChannels, inputChannels, kernelSize, kernelSize]`.
    public let weight: Parameter
    /// `NAME.bias`, `[outputChannels]`, if there is one.
    public let bias: Parameter?
    /// Kernel, stride and padding.
    public let geometry: Convolution2D

    /// A layer with a bias whose parameters begin with `name`, in PyTorch's default initialisation.
    public init(
        _ name: String, inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0
    ) {
        (weight, bias) = Parameter.weightAndBias(
            of: name, weight: [outputChannels, inputChannels, kernelSize, kernelSize], outputs: outputChannels)
        geometry = Convolution2D(kernel: kernelSize, stride: stride, padding: padding)
    }

    /// A layer without bias, for what a normalisation and ReLU follow.
    ///
    /// Weights start normal with variance `2 / (outputChannels · kernelSize²)`, which keeps the size of gradients through ReLU (He et al. 2015;
    /// torchvision's ResNet).
    public init(
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
    public var parameters: [Parameter] { [weight] + (bias.map { [$0] } ?? []) }

    /// Records `[batch, height, width, inputChannels]` → `[batch, windows, windows, outputChannels]`, where along each axis `windows` is
    /// `(extent + 2 · padding − kernelSize) / stride + 1`.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.convolution2D(x.graph.parameter(weight), bias: bias.map(x.graph.parameter), geometry)
    }
}
