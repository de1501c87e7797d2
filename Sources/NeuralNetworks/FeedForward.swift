import TensorGraph

/// Linear, GELU, linear of each token: the feed-forward part of a transformer's layer.
struct FeedForward: Layer {
    let expansion: Linear
    let projection: Linear
    let dropout: Dropout

    /// The two layers are named `linear1` and `linear2` beside the parts of the transformer's layer.
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
