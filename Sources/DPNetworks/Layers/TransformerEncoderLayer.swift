package import DPGraph

/// Self-attention and a feed-forward part, each applied to normalized tokens with a residual connection: PyTorch's
/// `nn.TransformerEncoderLayer` with `norm_first=True` and GELU.
///
/// Normalizing first follows Xiong et al. 2020.
package struct TransformerEncoderLayer: Layer {
    private let selfAttention: MultiheadAttention
    private let feedForward: FeedForward
    private let norms: [LayerNorm]
    private let dropouts: [Dropout]

    /// Creates a layer whose parameter names begin with `name`.
    package init(_ name: String, _ settings: TransformerSettings) {
        selfAttention = MultiheadAttention(
            "\(name).self_attn", width: settings.width, heads: settings.heads, mask: settings.mask,
            dropout: settings.dropout)
        feedForward = FeedForward(name, settings)
        norms = (1...2).map { LayerNorm("\(name).norm\($0)", channels: settings.width) }
        dropouts = (1...2).map { Dropout("\(name).dropout\($0)", probability: settings.dropout) }
    }

    /// The parameters of the attention, the two linear layers, and the norms.
    package var parameters: [Parameter] {
        selfAttention.parameters + feedForward.parameters + norms.flatMap(\.parameters)
    }

    /// Records `[batch, time, width]` → the same shape.
    /// - Parameter dropoutKey: the dropout key; nil during inference.
    package func callAsFunction(_ x: Tensor, dropoutKey: Tensor?) -> Tensor {
        let x = x + dropouts[0](selfAttention(norms[0](x), dropoutKey: dropoutKey), key: dropoutKey)
        return x + dropouts[1](feedForward(norms[1](x), dropoutKey: dropoutKey), key: dropoutKey)
    }
}
