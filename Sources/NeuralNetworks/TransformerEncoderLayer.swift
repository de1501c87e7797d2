public import TensorGraph

/// Attention within a sequence, then a feed-forward part, each on normalised tokens and added to them: PyTorch's
/// `nn.TransformerEncoderLayer` with `norm_first=True` and GELU.
///
/// Normalising first is after Xiong et al. 2020.
public struct TransformerEncoderLayer: Layer {
    private let selfAttention: MultiheadAttention
    private let feedForward: FeedForward
    private let norms: [LayerNorm]
    private let dropouts: [Dropout]

    /// A layer whose parameters begin with `name`.
    public init(_ name: String, _ settings: TransformerSettings) {
        selfAttention = MultiheadAttention(
            "\(name).self_attn", width: settings.width, heads: settings.heads, mask: settings.mask,
            dropout: settings.dropout)
        feedForward = FeedForward(name, settings)
        norms = (1...2).map { LayerNorm("\(name).norm\($0)", channels: settings.width) }
        dropouts = (1...2).map { Dropout("\(name).dropout\($0)", probability: settings.dropout) }
    }

    /// Attention, the two linear layers, the norms.
    public var parameters: [Parameter] {
        selfAttention.parameters + feedForward.parameters + norms.flatMap(\.parameters)
    }

    /// Records `[batch, time, width]` → the same shape.
    /// - Parameter dropoutKey: the key of the run; nil while acting.
    public func callAsFunction(_ x: Tensor, dropoutKey: Tensor?) -> Tensor {
        let x = x + dropouts[0](selfAttention(norms[0](x), dropoutKey: dropoutKey), key: dropoutKey)
        return x + dropouts[1](feedForward(norms[1](x), dropoutKey: dropoutKey), key: dropoutKey)
    }
}
