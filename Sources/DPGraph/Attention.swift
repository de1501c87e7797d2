/// Scaled dot-product attention with several heads.
///
/// (Vaswani et al. 2017, section 3.2.) In each head of width `d`, query t becomes `Σₛ wₜₛ vₛ` with weights
/// `wₜ = softmax(qₜ · kₛ / √d)` over the keys s that its mask allows. Dropout applies to the weights. The
/// projections are concatenated in the order of PyTorch's `in_proj_weight`. Attention within a sequence reads
/// (queries, keys and values `[batch, time, 3 · width]`). Attention to another sequence reads (queries
/// `[batch, queries, width]`, keys and values `[batch, keys, 2 · width]`). With dropout, both also read the run's
/// dropout key, after the projections. The result is `[batch, queries, width]`; head h owns the columns from
/// `h · d`.
package struct Attention: Hashable, Sendable {
    /// Number of heads; a divisor of the width.
    package var heads: Int
    /// Which keys a query attends to.
    package var mask: Mask
    /// Dropout of the weights: element `((item · heads + head) · queries + query) · keys + key` of the mask applies
    /// to the weight of that item, head, query and key.
    package var dropout: DropoutMask?

    /// Which keys a query attends to.
    package enum Mask: Hashable, Sendable {
        /// Every key.
        case none
        /// Query t attends to the keys `s ≤ t + lead`: with a lead of 0, to itself and its past.
        case causal(lead: Int)

        /// Returns how many keys, from the first one on, a query attends to.
        package func visible(to query: Int, of keys: Int) -> Int {
            switch self {
            case .none: keys
            case .causal(let lead): min(query + lead + 1, keys)
            }
        }
    }

    /// Creates an attention with the given number of heads.
    package init(heads: Int, mask: Mask = .none, dropout: DropoutMask? = nil) {
        if case .causal(let lead) = mask { precondition(lead >= 0, "lead: expected at least 0, found \(lead)") }
        self.heads = heads
        self.mask = mask
        self.dropout = dropout
    }
}

// MARK: - Shapes

extension Attention {
    /// The extents of an attention operation.
    package struct Extents: Hashable, Sendable {
        /// Number of items, which do not attend to each other.
        package var batch: Int
        /// Number of queries of an item.
        package var queries: Int
        /// Number of keys of an item.
        package var keys: Int
        /// Number of columns of a query, over all heads.
        package var width: Int
    }

    /// Returns the extents for projections of the given shapes, one within a sequence and two between sequences;
    /// nil if they do not fit.
    package func extents(of projections: [Shape]) -> Extents? {
        guard let first = projections.first, let last = projections.last, projections.count <= 2, heads > 0,
            projections.allSatisfy({ $0.rank == 3 && $0[0] == first[0] })
        else { return nil }
        let width = projections.count == 1 ? first[2] / 3 : first[2]
        guard width % heads == 0, last[2] == (projections.count == 1 ? 3 : 2) * width else { return nil }
        return Extents(batch: first[0], queries: first[1], keys: last[1], width: width)
    }

    /// The inputs of an attention operation by role.
    package struct Operands<Input> {
        /// Queries, keys and values in one tensor or in two.
        package let projections: [Input]
        /// The key of the run's dropout.
        package let dropoutKey: Input?
        /// The gradient of the output; only in the gradient operation.
        package let adjoint: Input?
    }

    /// Splits an operation's inputs by role.
    package func operands<Input>(_ inputs: [Input], isGradient: Bool = false) -> Operands<Input> {
        let tail = (dropout == nil ? 0 : 1) + (isGradient ? 1 : 0)
        precondition(inputs.count > tail, "\(self): expected more than \(tail) inputs, found \(inputs.count)")
        return Operands(
            projections: Array(inputs.dropLast(tail)),
            dropoutKey: dropout == nil ? nil : inputs[inputs.count - tail],
            adjoint: isGradient ? inputs.last : nil)
    }
}

extension Tensor {
    /// Computes attention within a sequence.
    ///
    /// This tensor holds its queries, keys and values `[batch, time, 3 · width]`; the result is `[batch, time,
    /// width]`.
    /// - Parameter key: the key of the run's dropout, if there is dropout.
    package func attention(_ attention: Attention, key: Tensor? = nil) -> Tensor {
        builder.apply(.attention(attention), [self] + (key.map { [$0] } ?? []))[0]
    }

    /// Computes attention of these queries `[batch, queries, width]` to another sequence:
    /// `[batch, queries, width]`.
    /// - Parameters:
    ///   - memory: its keys and values, `[batch, keys, 2 · width]`.
    ///   - key: the key of the run's dropout, if there is dropout.
    package func attention(to memory: Tensor, _ attention: Attention, key: Tensor? = nil) -> Tensor {
        builder.apply(.attention(attention), [self, memory] + (key.map { [$0] } ?? []))[0]
    }
}
