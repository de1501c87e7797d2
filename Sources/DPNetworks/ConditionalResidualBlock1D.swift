import DPGraph

/// Two convolution blocks with modulation by the condition between them, and a shortcut around both: the reference
/// implementation's `ConditionalResidualBlock1D`.
struct ConditionalResidualBlock1D: Layer {
    let first: ConvolutionBlock
    let second: ConvolutionBlock
    let modulation: FeaturewiseModulation
    /// A convolution with kernel size 1, present where the number of channels changes.
    let shortcut: Conv1d?

    init(_ name: String, inputChannels: Int, outputChannels: Int, settings: Settings) {
        first = ConvolutionBlock(
            "\(name).blocks.0", inputChannels: inputChannels, outputChannels: outputChannels,
            kernelSize: settings.kernelSize, groups: settings.groups)
        second = ConvolutionBlock(
            "\(name).blocks.1", inputChannels: outputChannels, outputChannels: outputChannels,
            kernelSize: settings.kernelSize, groups: settings.groups)
        modulation = FeaturewiseModulation(
            "\(name).cond_encoder", condition: settings.condition, channels: outputChannels,
            scales: settings.condPredictScale)
        shortcut =
            inputChannels == outputChannels
            ? nil
            : Conv1d(
                "\(name).residual_conv", inputChannels: inputChannels, outputChannels: outputChannels, kernelSize: 1)
    }

    /// The settings shared by all blocks of a network.
    struct Settings {
        var condition: Int
        var kernelSize: Int
        var groups: Int
        var condPredictScale: Bool
    }

    var parameters: [Parameter] {
        first.parameters + second.parameters + modulation.parameters + (shortcut?.parameters ?? [])
    }

    /// Records `[batch, time, inputChannels]` and `[batch, condition]` → `[batch, time, outputChannels]`.
    func callAsFunction(_ x: Tensor, condition: Tensor) -> Tensor {
        second(modulation(first(x), condition: condition)) + (shortcut?(x) ?? x)
    }
}
