/// Scaled dot-product attention with several heads.
///
/// (Vaswani et al. 2017, section 3.2.) In each head of width `d`, query t becomes `Σₛ wₜₛ vₛ` with weights `wₜ = softmax(qₜ · kₛ / √d)` over the keys s that its mask shows; dropout
/// acts on the weights. The projections stand beside each other as PyTorch's `in_proj_weight` makes them: attention within a sequence
/// reads (queries, keys and values `[batch, time, 3 · width]`), attention to another sequence reads (queries `[batch, queries, width]`,
/// keys and values `[batch, keys, 2 · width]`), and both the run's dropout key behind them if there is dropout. The result is
/// `[batch, queries, width]`; head h owns the columns from `h · d`.
public struct Attention: Hashable, Sendable {
    /// Number of heads; a divisor of the width.
    public var heads: Int
    /// Which keys a query sees.
    public var mask: Mask
    /// Dropout of the weights; element `((item · heads + head) · queries + query) · keys + key` of the mask belongs to a weight.
    public var dropout: DropoutMask?

    /// Which keys a query sees.
    public enum Mask: Hashable, Sendable {
        /// Every key.
        case none
        /// Query t sees the keys `s ≤ t + lead`: its own past with a lead of 0.
        case causal(lead: Int)

        /// How many keys, from the first one, a query sees.
        public func visible(to query: Int, of keys: Int) -> Int {
            switch self {
            case .none: keys
            case .causal(let lead): min(query + lead + 1, keys)
            }
        }
    }

    /// Attention with so many heads.
    public init(heads: Int, mask: Mask = .none, dropout: DropoutMask? = nil) {
        if case .causal(let lead) = mask { precondition(lead >= 0, "query 0 sees a key, found a lead of \(lead)") }
        self.heads = heads
        self.mask = mask
        self.dropout = dropout
    }
}

// MARK: - Shapes

extension Attention {
    /// The extents of an attention.
    public struct Extents: Hashable, Sendable {
        /// Items that do not see each other.
        public var batch: Int
        /// Queries of an item.
        public var queries: Int
        /// Keys of an item.
        public var keys: Int
        /// Columns of a query, all heads together.
        public var width: Int
    }

    /// The extents for projections of the given shapes, one within a sequence and two between sequences; nil if they do not fit.
    public func extents(of projections: [Shape]) -> Extents? {
        guard let first = projections.first, let last = projections.last, projections.count <= 2, heads > 0,
            projections.allSatisfy({ $0.rank == 3 && $0[0] == first[0] })
        else { return nil }
        let width = projections.count == 1 ? first[2] / 3 : first[2]
        guard width % heads == 0, last[2] == (projections.count == 1 ? 3 : 2) * width else { return nil }
        return Extents(batch: first[0], queries: first[1], keys: last[1], width: width)
    }

    /// What an operation's inputs are.
    public struct Operands<Input> {
        /// Queries, keys and values in one tensor or in two.
        public let projections: [Input]
        /// The key of the run's dropout.
        public let dropoutKey: Input?
        /// The gradient of the output, in the operation that makes gradients.
        public let adjoint: Input?
    }

    /// Tells an operation's inputs apart.
    public func operands<Input>(_ inputs: [Input], isGradient: Bool = false) -> Operands<Input> {
        let tail = (dropout == nil ? 0 : 1) + (isGradient ? 1 : 0)
        precondition(inputs.count > tail, "\(self): expected more than \(tail) inputs, found \(inputs.count)")
        return Operands(
            projections: Array(inputs.dropLast(tail)),
            dropoutKey: dropout == nil ? nil : inputs[inputs.count - tail],
            adjoint: isGradient ? inputs.last : nil)
    }
}

extension Tensor {
    /// Attention within a sequence, this tensor being its queries, keys and values `[batch, time, 3 · width]`: `[batch, time, width]`.
    /// - Parameter key: the key of the run's dropout, if there is dropout.
    public func attention(_ attention: Attention, key: Tensor? = nil) -> Tensor {
        builder.apply(.attention(attention), [self] + (key.map { [$0] } ?? []))[0]
    }

    /// Attention of these queries `[batch, queries, width]` to another sequence: `[batch, queries, width]`.
    /// - Parameters:
    ///   - memory: its keys and values, `[batch, keys, 2 · width]`.
    ///   - key: the key of the run's dropout, if there is dropout.
    public func attention(to memory: Tensor, _ attention: Attention, key: Tensor? = nil) -> Tensor {
        builder.apply(.attention(attention), [self, memory] + (key.map { [$0] } ?? []))[0]
    }
}
