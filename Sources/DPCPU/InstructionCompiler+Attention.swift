internal import CDPKernels
internal import DPGraph

// MARK: - Attention

extension InstructionCompiler {
    func attention(_ attention: Attention, _ step: Step, to result: Value) throws -> Plan.Instruction {
        var descriptor = descriptor(attention, attention.operands(step.inputs), out: result)
        let scratch = try AlignedMemory(floats: Int(threads) * ck_attention_scratch(&descriptor, 0))
        descriptor.scratch = scratch.floats
        return instruction(
            "attention", descriptor, step, to: result, keeping: [scratch], call: ck_attention_call,
            routine: ck_attention_forward)
    }

    func attentionGradient(_ attention: Attention, _ step: Step) throws -> Plan.Instruction {
        let threads = threads
        let operands = attention.operands(step.inputs, isGradient: true)
        guard let adjoint = operands.adjoint else { preconditionFailure("\(attention): expected an output gradient") }
        var descriptor = descriptor(attention, operands, out: adjoint)
        let scratch = try AlignedMemory(floats: Int(threads) * ck_attention_scratch(&descriptor, 1))
        descriptor.scratch = scratch.floats
        // The kernel computes all gradients; those that nothing reads are written to separate memory.
        let spares = try zip(operands.projections, step.results).map { projection, result in
            result == nil ? try AlignedMemory(byteCount: graph.type(of: projection).byteCount) : nil
        }
        let starts = zip(step.results, spares).compactMap { $0.map(raw) ?? $1?.start }
        let locations = locations(attention, operands.projections, at: starts)
        let gradient = ck_attention_gradient(
            attention: descriptor, dq: locations.queries, dk: locations.keys, dv: locations.values)
        return Plan.Instruction(name: "attention gradient", keeps: [scratch] + spares.compactMap { $0 }) {
            withUnsafePointer(to: gradient) { ck_attention_backward($0, threads) }
        }
    }

    private func descriptor(
        _ attention: Attention, _ operands: Attention.Operands<Value>, out: Value
    ) -> ck_attention {
        let projections = operands.projections
        let extents = extents(attention, projections)
        let locations = locations(attention, projections, at: projections.map(raw))
        let lead =
            switch attention.mask {
            case .none: -1
            case .causal(let lead): lead
            }
        return ck_attention(
            batch: extents.batch, queries: extents.queries, keys: extents.keys, heads: attention.heads,
            width: extents.width, q: locations.queries, k: locations.keys, v: locations.values,
            query_stride: shape(projections[0]).last, key_stride: shape(projections[projections.count - 1]).last,
            out: raw(out), format: format(projections[0]), out_format: format(out), lead: lead,
            dropout: zip(attention.dropout, operands.dropoutKey).map { ck_dropout($0, key: pointer($1)) }
                ?? ck_dropout(),
            scratch: nil)
    }

    private func extents(_ attention: Attention, _ projections: [Value]) -> Attention.Extents {
        guard let extents = attention.extents(of: projections.map(shape)) else {
            preconditionFailure("\(attention): found projections \(projections.map(shape))")
        }
        return extents
    }

    /// Returns where queries, keys and values begin in their projections, or where their gradients begin in those
    /// of the projections.
    private func locations(
        _ attention: Attention, _ projections: [Value], at starts: [UnsafeMutableRawPointer]
    ) -> (queries: UnsafeMutableRawPointer, keys: UnsafeMutableRawPointer, values: UnsafeMutableRawPointer) {
        let width = extents(attention, projections).width * precision(projections[0]).byteCount
        let keys = projections.count == 1 ? starts[0] + width : starts[1]
        return (starts[0], keys, keys + width)
    }
}

/// Returns both values if both are present, otherwise nil.
private func zip<Left, Right>(_ left: Left?, _ right: Right?) -> (Left, Right)? {
    guard let left, let right else { return nil }
    return (left, right)
}
