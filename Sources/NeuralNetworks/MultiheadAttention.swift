public import TensorGraph

/// Attention with several heads between projections: PyTorch's `nn.MultiheadAttention`.
///
/// (Vaswani et al. 2017, section 3.2.2.)
public struct MultiheadAttention: Layer {
    /// `NAME.in_proj_weight`, `[3 · width, width]`: of queries, keys and values.
    public let inputWeight: Parameter
    /// `NAME.in_proj_bias`, `[3 · width]`.
    public let inputBias: Parameter
    /// `NAME.out_proj`.
    public let outputProjection: Linear
    private let width: Int
    private let heads: Int
    private let mask: Attention.Mask
    private let dropout: Dropout

    /// A layer whose parameters begin with `name`.
    /// - Parameters:
    ///   - width: columns of a query, all heads together; a multiple of `heads`.
    ///   - mask: which keys a query sees.
    ///   - dropout: how likely a weight of the attention is dropped.
    public init(_ name: String, width: Int, heads: Int, mask: Attention.Mask = .none, dropout: Float = 0) {
        // PyTorch's default: Glorot's uniform distribution for the weights (Glorot & Bengio 2010), zeros for the biases.
        let bound = (6 / Float(4 * width)).squareRoot()
        inputWeight = Parameter("\(name).in_proj_weight", [3 * width, width], .uniform(bound: bound))
        inputBias = Parameter("\(name).in_proj_bias", [3 * width], .constant(0))
        outputProjection = Linear("\(name).out_proj", inputs: width, outputs: width)
        self.width = width
        self.heads = heads
        self.mask = mask
        self.dropout = Dropout(name, probability: dropout)
    }

    /// The weight and bias of the projections, then those of the output's.
    public var parameters: [Parameter] { [inputWeight, inputBias] + outputProjection.parameters }

    /// Records attention within a sequence: `[batch, time, width]` → the same shape.
    /// - Parameter dropoutKey: the key of the run; nil while acting.
    public func callAsFunction(_ x: Tensor, dropoutKey: Tensor?) -> Tensor {
        let projections = x.linear(x.graph.parameter(inputWeight), bias: x.graph.parameter(inputBias))
        let (attention, key) = attention(dropoutKey)
        return outputProjection(projections.attention(attention, key: key))
    }

    /// Records attention to another sequence: `[batch, time, width]` and `[batch, keys, width]` → `[batch, time, width]`.
    ///
    /// Queries and memory have projections of their own, so that what is made of a memory that stays is computed once.
    public func callAsFunction(_ x: Tensor, memory: Tensor, dropoutKey: Tensor?) -> Tensor {
        let queries = project(x, rows: 0..<width)
        let keysAndValues = project(memory, rows: width..<3 * width)
        let (attention, key) = attention(dropoutKey)
        return outputProjection(queries.attention(to: keysAndValues, attention, key: key))
    }

    /// The attention of a run, and the run's key if it drops anything.
    private func attention(_ key: Tensor?) -> (attention: Attention, key: Tensor?) {
        let dropped = dropout.mask(key: key)
        return (Attention(heads: heads, mask: mask, dropout: dropped), dropped == nil ? nil : key)
    }

    /// A linear layer of some rows of the weight.
    private func project(_ x: Tensor, rows: Range<Int>) -> Tensor {
        x.linear(
            x.graph.parameter(inputWeight).slice(axis: 0, rows),
            bias: x.graph.parameter(inputBias).slice(axis: 0, rows))
    }
}
