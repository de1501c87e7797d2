import DPGraph

/// Linear, GELU, linear on each token: the feed-forward part of a transformer layer.
struct FeedForward: Layer {
    let expansion: Linear
    let projection: Linear
    let dropout: Dropout

    /// Creates the two layers, named `linear1` and `linear2` within the transformer layer.
    init(_ layer: String, _ settings: TransformerSettings) {
        expansion = Linear("\(layer).linear1", inputs: settings.width, outputs: settings.feedForwardWidth)
        projection = Linear("\(layer).linear2", inputs: settings.feedForwardWidth, outputs: settings.width)
        dropout = Dropout("\(layer).dropout", probability: settings.dropout)
    }

    var parameters: [Parameter] { expansion.parameters + projection.parameters }

    /// Records `[batch, time, width]` → the same shape.
    func callAsFunction(_ x: Tensor, dropoutKey: Tensor?) -> Tensor {
        projection(dropout(expansion(x).gelu(), key: dropoutKey))
    }
}
