package import DPGraph

/// Multi-head attention with input and output projections: PyTorch's `nn.MultiheadAttention`.
///
/// See Vaswani et al. 2017, section 3.2.2.
package struct MultiheadAttention: Layer {
    /// `NAME.in_proj_weight`, `[3 · width, width]`, for queries, keys, and values.
    package let inputWeight: Parameter
    /// `NAME.in_proj_bias`, `[3 · width]`.
    package let inputBias: Parameter
    /// `NAME.out_proj`.
    package let outputProjection: Linear
    private let width: Int
    private let heads: Int
    private let mask: Attention.Mask
    private let dropout: Dropout

    /// Creates a layer whose parameter names begin with `name`.
    /// - Parameters:
    ///   - width: the size of a query over all heads, a multiple of `heads`.
    ///   - mask: which keys a query attends to.
    ///   - dropout: the probability that an attention weight is dropped.
    package init(_ name: String, width: Int, heads: Int, mask: Attention.Mask = .none, dropout: Float = 0) {
        // PyTorch's default: Glorot's uniform distribution for the weights (Glorot & Bengio 2010), zeros for the
        // biases.
        let bound = (6 / Float(4 * width)).squareRoot()
        inputWeight = Parameter("\(name).in_proj_weight", [3 * width, width], .uniform(bound: bound))
        inputBias = Parameter("\(name).in_proj_bias", [3 * width], .constant(0))
        outputProjection = Linear("\(name).out_proj", inputs: width, outputs: width)
        self.width = width
        self.heads = heads
        self.mask = mask
        self.dropout = Dropout(name, probability: dropout)
    }

    /// The weight and bias of the input projections, then those of the output projection.
    package var parameters: [Parameter] { [inputWeight, inputBias] + outputProjection.parameters }

    /// Records self-attention: `[batch, time, width]` → the same shape.
    /// - Parameter dropoutKey: the dropout key; nil during inference.
    package func callAsFunction(_ x: Tensor, dropoutKey: Tensor?) -> Tensor {
        let projections = x.linear(x.graph.parameter(inputWeight), bias: x.graph.parameter(inputBias))
        let (attention, key) = attention(dropoutKey)
        return outputProjection(projections.attention(attention, key: key))
    }

    /// Records cross-attention: `[batch, time, width]` and `[batch, keys, width]` → `[batch, time, width]`.
    ///
    /// Queries and memory are projected separately, so that the keys and values of a constant memory are computed once.
    package func callAsFunction(_ x: Tensor, memory: Tensor, dropoutKey: Tensor?) -> Tensor {
        let queries = project(x, rows: 0..<width)
        let keysAndValues = project(memory, rows: width..<3 * width)
        let (attention, key) = attention(dropoutKey)
        return outputProjection(queries.attention(to: keysAndValues, attention, key: key))
    }

    /// Returns the attention, and the dropout key if anything is dropped.
    private func attention(_ key: Tensor?) -> (attention: Attention, key: Tensor?) {
        let dropped = dropout.mask(key: key)
        return (Attention(heads: heads, mask: mask, dropout: dropped), dropped == nil ? nil : key)
    }

    /// Records a linear layer with some rows of the weight.
    private func project(_ x: Tensor, rows: Range<Int>) -> Tensor {
        x.linear(
            x.graph.parameter(inputWeight).slice(axis: 0, rows),
            bias: x.graph.parameter(inputBias).slice(axis: 0, rows))
    }
}
