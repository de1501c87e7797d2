import DPGraph

/// Convolution, group normalization, and Mish at constant sequence length: the reference implementation's
/// `Conv1dBlock`.
struct ConvolutionBlock: UnaryLayer {
    let convolution: Conv1d
    let norm: GroupNorm

    init(_ name: String, inputChannels: Int, outputChannels: Int, kernelSize: Int, groups: Int) {
        convolution = Conv1d(
            "\(name).block.0", inputChannels: inputChannels, outputChannels: outputChannels, kernelSize: kernelSize,
            padding: kernelSize / 2)
        norm = GroupNorm("\(name).block.1", groups: groups, channels: outputChannels)
    }

    var parameters: [Parameter] { convolution.parameters + norm.parameters }

    /// Records `[batch, time, inputChannels]` → `[batch, time, outputChannels]`.
    func callAsFunction(_ x: Tensor) -> Tensor { norm(convolution(x)).mish() }
}
