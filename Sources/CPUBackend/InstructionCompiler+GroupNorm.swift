internal import CKernels
internal import TensorGraph

// MARK: - Group normalisation with what is fused into it

extension InstructionCompiler {
    func descriptor(_ fused: FusedGroupNorm, _ inputs: [Value]) -> ck_group_norm {
        let shape = shape(inputs[0])
        return ck_group_norm(
            batch: shape[0], time: shape[1], channels: shape[2], groups: fused.groups, epsilon: fused.epsilon,
            mish: fused.hasMish ? 1 : 0, x: pointer(inputs[0]), gain: pointer(inputs[1]), bias: pointer(inputs[2]),
            film_scale: nil, film_bias: nil, film_stride: shape[2], residual: nil)
    }

    func groupNorm(_ fused: FusedGroupNorm, _ step: Step) -> Plan.Instruction {
        let threads = threads
        guard let result = step.results[0] else { return Plan.Instruction(name: "nothing") {} }
        let out = pointer(result)
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
        if fused.hasResidual, let residual = operands.last { norm.residual = UnsafePointer(pointer(residual)) }
        return Plan.Instruction(name: fused.name) { ck_group_norm_forward(&norm, out, threads) }
    }

    func groupNormGradient(_ fused: FusedGroupNorm, _ step: Step) throws -> Plan.Instruction {
        let threads = threads
        var norm = descriptor(fused, step.inputs)
        let dy = pointer(step.inputs[3])
        if case .scaleAndBias(let column, _) = fused.film {
            norm.film_scale = UnsafePointer(pointer(step.inputs[4]) + column)
            norm.film_stride = shape(step.inputs[4]).last
        }
        let size = shape(step.inputs[0]).count
        let scratch = try AlignedMemory(floats: Int(threads) * 2 * norm.channels + (step.results[0] == nil ? size : 0))
        let dx = step.results[0].map(pointer) ?? scratch.floats + Int(threads) * 2 * norm.channels
        let others = step.results.dropFirst().map { $0.map(pointer) } + [nil, nil]
        return Plan.Instruction(name: fused.name + " gradient", keeps: [scratch]) {
            ck_group_norm_backward(
                &norm, dy, dx, others[0], others[1], others[2], others[3], norm.channels, scratch.floats, threads)
        }
    }
}

extension FusedGroupNorm {
    /// As in `group norm + mish + film`.
    var name: String {
        var parts = ["group norm"]
        if hasMish { parts.append("mish") }
        if film != .none { parts.append("film") }
        if hasResidual { parts.append("residual") }
        return parts.joined(separator: " + ")
    }
}
