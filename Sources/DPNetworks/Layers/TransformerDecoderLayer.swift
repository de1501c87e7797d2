package import DPGraph

/// Self-attention, attention to a memory, and a feed-forward part, each applied to normalized tokens with a
/// residual connection: PyTorch's `nn.TransformerDecoderLayer` with `norm_first=True` and GELU.
///
/// Normalizing first follows Xiong et al. 2020.
package struct TransformerDecoderLayer: Layer {
    private let selfAttention: MultiheadAttention
    private let memoryAttention: MultiheadAttention
    private let feedForward: FeedForward
    private let norms: [LayerNorm]
    private let dropouts: [Dropout]

    /// Creates a layer whose parameter names begin with `name`.
    package init(_ name: String, _ settings: TransformerSettings) {
        selfAttention = MultiheadAttention(
            "\(name).self_attn", width: settings.width, heads: settings.heads, mask: settings.mask,
            dropout: settings.dropout)
        memoryAttention = MultiheadAttention(
            "\(name).multihead_attn", width: settings.width, heads: settings.heads, mask: settings.memoryMask,
            dropout: settings.dropout)
        feedForward = FeedForward(name, settings)
        norms = (1...3).map { LayerNorm("\(name).norm\($0)", channels: settings.width) }
        dropouts = (1...3).map { Dropout("\(name).dropout\($0)", probability: settings.dropout) }
    }

    /// The parameters of both attentions, the two linear layers, and the norms.
    package var parameters: [Parameter] {
        selfAttention.parameters + memoryAttention.parameters + feedForward.parameters + norms.flatMap(\.parameters)
    }

    /// Records `[batch, time, width]` and a memory `[batch, keys, width]` → `[batch, time, width]`.
    /// - Parameter dropoutKey: the dropout key; nil during inference.
    package func callAsFunction(_ x: Tensor, memory: Tensor, dropoutKey: Tensor?) -> Tensor {
        var x = x + dropouts[0](selfAttention(norms[0](x), dropoutKey: dropoutKey), key: dropoutKey)
        x = x + dropouts[1](memoryAttention(norms[1](x), memory: memory, dropoutKey: dropoutKey), key: dropoutKey)
        return x + dropouts[2](feedForward(norms[2](x), dropoutKey: dropoutKey), key: dropoutKey)
    }
}
