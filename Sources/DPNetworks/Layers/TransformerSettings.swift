package import DPGraph

/// The settings shared by all layers of a transformer.
package struct TransformerSettings: Sendable, Hashable {
    /// Size of a token.
    package var width: Int
    /// Number of attention heads; a divisor of the width.
    package var heads: Int
    /// Hidden size of the feed-forward part.
    package var feedForwardWidth: Int
    /// Dropout probability of attention weights, of the hidden layer of the feed-forward part, and of the output of
    /// each part.
    package var dropout: Float
    /// Which tokens of its own sequence a token attends to.
    package var mask: Attention.Mask
    /// Which tokens of the memory a token attends to.
    package var memoryMask: Attention.Mask

    /// Creates the settings of a transformer; the feed-forward part is four times as wide by default.
    ///
    /// Four is the factor of Vaswani et al. 2017.
    package init(
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
