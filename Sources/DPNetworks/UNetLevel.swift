import DPGraph

/// One level of the downsampling or upsampling path: two residual blocks, then a change of the sequence length.
struct UNetLevel<Resampling: UnaryLayer>: Layer {
    let first: ConditionalResidualBlock1D
    let second: ConditionalResidualBlock1D
    /// Halves or doubles the length; nil at the lowest level.
    let resampling: Resampling?

    init(
        _ name: String, inputChannels: Int, outputChannels: Int, settings: ConditionalResidualBlock1D.Settings,
        resampling: Resampling?
    ) {
        first = ConditionalResidualBlock1D(
            "\(name).0", inputChannels: inputChannels, outputChannels: outputChannels, settings: settings)
        second = ConditionalResidualBlock1D(
            "\(name).1", inputChannels: outputChannels, outputChannels: outputChannels, settings: settings)
        self.resampling = resampling
    }

    var parameters: [Parameter] { first.parameters + second.parameters + (resampling?.parameters ?? []) }
}
