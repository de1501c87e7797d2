public import TensorGraph

/// What all layers of a transformer have in common.
public struct TransformerSettings: Sendable, Hashable {
    /// Columns of a token.
    public var width: Int
    /// Heads of the attention; a divisor of the width.
    public var heads: Int
    /// Columns between the two linear layers of the feed-forward part.
    public var feedForwardWidth: Int
    /// How likely an element is dropped: of attention weights, of the feed-forward part's middle, and of what each part adds.
    public var dropout: Float
    /// Which tokens a token sees in its own sequence.
    public var mask: Attention.Mask
    /// Which tokens of the memory a token sees.
    public var memoryMask: Attention.Mask

    /// The settings of a transformer; the feed-forward part is four times as wide unless said otherwise.
    ///
    /// Four is the factor of Vaswani et al. 2017.
    public init(
        width: Int, heads: Int, feedForwardWidth: Int? = nil, dropout: Float = 0, mask: Attention.Mask = .none,
        memoryMask: Attention.Mask = .none
    ) {
        self.width = width
        self.heads = heads
        self.feedForwardWidth = feedForwardWidth ?? 4 * width
        self.dropout = dropout
        self.mask = mask
        self.memoryMask = memoryMask
    }
}
