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
        var operands = step.inputs.dropFirst(3).map(pointer)[...]
        if fused.film == .scaleAndBias { norm.film_scale = UnsafePointer(operands.removeFirst()) }
        if fused.film != .none { norm.film_bias = UnsafePointer(operands.removeFirst()) }
        if fused.hasResidual { norm.residual = UnsafePointer(operands.removeFirst()) }
        return Plan.Instruction(name: fused.name) { ck_group_norm_forward(&norm, out, threads) }
    }

    func groupNormGradient(_ fused: FusedGroupNorm, _ step: Step) throws -> Plan.Instruction {
        let threads = threads
        var norm = descriptor(fused, step.inputs)
        let dy = pointer(step.inputs[3])
        if fused.film == .scaleAndBias { norm.film_scale = UnsafePointer(pointer(step.inputs[4])) }
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
