internal import CDPKernels
internal import DPGraph

// MARK: - Group normalization of images with fused operations

extension InstructionCompiler {
    mutating func imageNorm(_ fused: FusedImageNorm, _ step: Step) throws -> Plan.Instruction {
        guard let result = step.results[0] else { return Plan.Instruction(name: "nothing") {} }
        var norm = descriptor(fused, step.inputs[0], gain: step.inputs[1])
        norm.bias = UnsafePointer(pointer(step.inputs[2]))
        norm.residual = fused.hasResidual ? UnsafeRawPointer(raw(step.inputs[3])) : nil
        norm.out = raw(result)
        guard !graph.gradients.isEmpty else { return imageNormCall(norm, named: fused.name, step, to: result) }
        let statistics = try AlignedMemory(floats: norm.batch * norm.groups * 2)
        self.statistics[fused.normal] = statistics
        norm.statistics = statistics.floats
        let threads = threads
        return Plan.Instruction(name: fused.name, keeps: [statistics]) { [norm] in
            withUnsafePointer(to: norm) { ck_image_norm_forward($0, threads) }
        }
    }

    /// Returns the normalization of images as a call that can run in the same parallel region as others.
    ///
    /// With fewer images than threads, the threads divide the groups.
    private func imageNormCall(
        _ norm: ck_image_norm, named name: String, _ step: Step, to result: Value
    ) -> Plan.Instruction {
        var norm = norm
        let (groups, threads) = (norm.groups, Int(threads))
        if norm.batch < threads { norm.grain = (groups + threads - 1) / threads * (norm.channels / groups) }
        let kernel = StableArray([norm])
        return Plan.Instruction(
            name: name, keeps: [kernel],
            accesses: step.inputs.map { access($0, .all) } + [access(result, isWrite: true, .all)],
            call: ck_image_norm_call(kernel.start))
    }

    func imageNormGradient(_ fused: FusedImageNorm, _ step: Step) throws -> Plan.Instruction {
        var norm = descriptor(fused, step.inputs[0], gain: step.inputs[1])
        if fused.hasReLU { norm.out = raw(step.inputs[3]) }
        let statistics = statistics[fused.normal]
        norm.statistics = statistics?.floats
        let working = ck_image_norm_scratch(&norm, threads)
        let x = graph.type(of: step.inputs[0])
        let scratch = try AlignedMemory(byteCount: 4 * working + (step.results[0] == nil ? x.byteCount : 0))
        let gradient = ck_image_norm_gradient(
            norm: norm, dy: raw(step.inputs[2]), dx: step.results[0].map(raw) ?? scratch.start + 4 * working,
            d_residual: fused.hasReLU ? step.results[3].map(raw) : nil, d_gain: step.results[1].map(pointer),
            d_bias: step.results[2].map(pointer), scratch: scratch.floats)
        let threads = threads
        return Plan.Instruction(name: fused.name + " gradient", keeps: [scratch] + [statistics].compactMap { $0 }) {
            withUnsafePointer(to: gradient) { ck_image_norm_backward($0, threads) }
        }
    }

    /// Returns the parts of the descriptor for the pixels `[batch, pixels, channels]` that both directions use.
    private func descriptor(_ fused: FusedImageNorm, _ x: Value, gain: Value) -> ck_image_norm {
        let shape = shape(x)
        return ck_image_norm(
            batch: shape[0], pixels: shape[1], channels: shape[2], groups: fused.groups, epsilon: fused.epsilon,
            relu: fused.hasReLU ? 1 : 0, format: precision(x).format, x: raw(x), gain: pointer(gain), bias: nil,
            residual: nil, out: nil, statistics: nil, grain: 0)
    }
}

extension FusedImageNorm {
    /// A name such as `image norm + residual + relu`.
    fileprivate var name: String {
        "image norm" + (hasResidual ? " + residual" : "") + (hasReLU ? " + relu" : "")
    }
}
