internal import CDPKernels
internal import DPGraph

// MARK: - Group normalization with fused operations

extension InstructionCompiler {
    func descriptor(_ fused: FusedGroupNorm, _ inputs: [Value]) -> ck_group_norm {
        let shape = shape(inputs[0])
        return ck_group_norm(
            batch: shape[0], time: shape[1], channels: shape[2], groups: fused.groups, epsilon: fused.epsilon,
            mish: fused.hasMish ? 1 : 0, format: ck_format(precision(inputs[0])), x: raw(inputs[0]),
            gain: pointer(inputs[1]),
            bias: pointer(inputs[2]), film_scale: nil, film_bias: nil, film_stride: shape[2], residual: nil, out: nil,
            grain: 0)
    }

    func groupNorm(_ fused: FusedGroupNorm, _ step: Step) -> Plan.Instruction {
        let threads = threads
        guard let result = step.results[0] else { return Plan.Instruction(name: "nothing") {} }
        var norm = descriptor(fused, step.inputs)
        let operands = step.inputs.dropFirst(3)
        switch fused.film {
        case .none:
            break
        case .bias(let column):
            norm.film_bias = UnsafePointer(pointer(operands[3]) + column)
            norm.film_stride = shape(operands[3]).last
        case .scaleAndBias(let scaleColumn, let biasColumn):
            norm.film_scale = UnsafePointer(pointer(operands[3]) + scaleColumn)
            norm.film_bias = UnsafePointer(pointer(operands[4]) + biasColumn)
            norm.film_stride = shape(operands[3]).last
        }
        if fused.hasResidual, let residual = operands.last { norm.residual = UnsafeRawPointer(raw(residual)) }
        norm.out = raw(result)
        if let instruction = smallGroupNorm(norm, named: fused.name, step, to: result) { return instruction }
        return Plan.Instruction(name: fused.name) { [norm] in
            withUnsafePointer(to: norm) { ck_group_norm_forward($0, threads) }
        }
    }

    func groupNormGradient(_ fused: FusedGroupNorm, _ step: Step) throws -> Plan.Instruction {
        let threads = threads
        var norm = descriptor(fused, step.inputs)
        if case .scaleAndBias(let column, _) = fused.film {
            norm.film_scale = UnsafePointer(pointer(step.inputs[4]) + column)
            norm.film_stride = shape(step.inputs[4]).last
        }
        let size = shape(step.inputs[0]).count
        let working = ck_group_norm_scratch(&norm, threads)
        let scratch = try AlignedMemory(floats: working + (step.results[0] == nil ? size : 0))
        let others = step.results.dropFirst().map { $0.map(pointer) } + [nil, nil]
        let gradient = ck_group_norm_gradient(
            norm: norm, dy: raw(step.inputs[3]), dx: step.results[0].map(raw) ?? scratch.start + 4 * working,
            d_gain: others[0], d_bias: others[1], d_film_scale: others[2], d_film_bias: others[3],
            film_stride: norm.channels, scratch: scratch.floats)
        return Plan.Instruction(name: fused.name + " gradient", keeps: [scratch]) {
            withUnsafePointer(to: gradient) { ck_group_norm_backward($0, threads) }
        }
    }
}

extension ck_format {
    /// Creates the kernels' name of a precision.
    init(_ precision: Precision) {
        switch precision {
        case .float32: self = ck_float32
        case .bfloat16: self = ck_bfloat16
        }
    }
}

extension FusedGroupNorm {
    /// A name such as `group norm + mish + film`.
    var name: String {
        var parts = ["group norm"]
        if hasMish { parts.append("mish") }
        if film != .none { parts.append("film") }
        if hasResidual { parts.append("residual") }
        return parts.joined(separator: " + ")
    }
}
