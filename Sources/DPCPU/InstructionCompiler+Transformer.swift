internal import CDPKernels
internal import DPGraph

// MARK: - GELU, dropout and layer normalization, alone and fused

extension InstructionCompiler {
    /// Returns the instruction of one transformer operation, with each value in its own precision.
    func transformer(_ operation: TensorOperation, _ step: Step, to result: Value) throws -> Plan.Instruction {
        switch operation {
        case .gelu: gelu(step, to: result)
        case .geluGradient: geluGradient(step, to: result)
        case .dropout(let mask): dropout(mask, step, to: result)
        case .layerNorm(let epsilon): layerNorm(epsilon, step, to: result)
        case .layerNormGradient(let epsilon): try layerNormGradient(epsilon, step)
        case .attention(let attention): try self.attention(attention, step, to: result)
        case .attentionGradient(let attention): try attentionGradient(attention, step)
        default: preconditionFailure("\(operation) is not a transformer operation")
        }
    }

    /// Returns the instruction of several fused transformer operations.
    func transformer(_ fused: FusedTransformer, _ step: Step) throws -> Plan.Instruction {
        guard let result = step.results.lazy.compactMap({ $0 }).first else {
            return Plan.Instruction(name: "nothing") {}
        }
        return switch fused {
        case .geluDropout(let mask): gelu(step, to: result, mask)
        case .geluDropoutGradient(let mask): geluGradient(step, to: result, mask)
        case .dropoutSum(let mask): dropout(mask, step, to: result, residual: step.inputs[1])
        case .layerNormGradientSum(let epsilon): try layerNormGradient(epsilon, step, residual: step.inputs[3])
        }
    }

    func format(_ value: Value) -> ck_format { precision(value).format }

    /// Returns a kernel as a call in a shared parallel region if the graph has no gradients, otherwise as a routine
    /// with a region of its own.
    func instruction<Descriptor>(
        _ name: String, _ descriptor: Descriptor, _ step: Step, to result: Value, keeping memory: [AnyObject] = [],
        call: (UnsafeMutablePointer<Descriptor>) -> ck_call,
        routine: @escaping (UnsafePointer<Descriptor>, Int32) -> Void
    ) -> Plan.Instruction {
        let threads = threads
        guard graph.gradients.isEmpty else {
            return Plan.Instruction(name: name, keeps: memory) {
                withUnsafePointer(to: descriptor) { routine($0, threads) }
            }
        }
        let kernel = StableArray([descriptor])
        return Plan.Instruction(
            name: name, keeps: memory + [kernel],
            accesses: step.inputs.map { access($0, .all) } + [access(result, isWrite: true, .all)],
            call: call(kernel.start))
    }

    // MARK: Elementwise

    private func gelu(_ step: Step, to result: Value, _ mask: DropoutMask? = nil) -> Plan.Instruction {
        let x = step.inputs[0]
        let gelu = ck_gelu(
            count: shape(result).count, x: raw(x), y: raw(result), dx: nil, x_format: format(x),
            y_format: format(result), dropout: dropout(mask, step))
        return instruction(
            mask == nil ? "gelu" : "gelu + dropout", gelu, step, to: result, call: ck_gelu_call,
            routine: ck_gelu_forward)
    }

    private func geluGradient(_ step: Step, to result: Value, _ mask: DropoutMask? = nil) -> Plan.Instruction {
        let (threads, x, dy) = (threads, step.inputs[0], step.inputs[1])
        let gelu = ck_gelu(
            count: shape(result).count, x: raw(x), y: raw(dy), dx: raw(result), x_format: format(x),
            y_format: format(dy), dropout: dropout(mask, step))
        return Plan.Instruction(name: mask == nil ? "gelu gradient" : "gelu + dropout gradient") {
            withUnsafePointer(to: gelu) { ck_gelu_backward($0, threads) }
        }
    }

    /// - Parameter residual: added to the result of dropout, in the precision of the result.
    private func dropout(
        _ mask: DropoutMask, _ step: Step, to result: Value, residual: Value? = nil
    ) -> Plan.Instruction {
        let (threads, x) = (threads, step.inputs[0])
        let sum = ck_dropout_sum(
            count: shape(result).count, x: raw(x), residual: residual.map { UnsafeRawPointer(raw($0)) },
            out: raw(result), x_format: format(x), out_format: format(result), dropout: dropout(mask, step))
        return Plan.Instruction(name: residual == nil ? "dropout" : "dropout + residual") {
            withUnsafePointer(to: sum) { ck_dropout_sum_forward($0, threads) }
        }
    }

    /// Returns a mask with the run's key, which is the last input of a step with dropout.
    private func dropout(_ mask: DropoutMask?, _ step: Step) -> ck_dropout {
        mask.map { ck_dropout($0, key: pointer(step.inputs[step.inputs.count - 1])) } ?? ck_dropout()
    }

    // MARK: Layer normalization

    private func layerNorm(_ epsilon: Float, _ step: Step, to result: Value) -> Plan.Instruction {
        let x = step.inputs[0]
        let norm = ck_layer_norm(
            rows: shape(x).count / shape(x).last, channels: shape(x).last, epsilon: epsilon, x: raw(x),
            gain: pointer(step.inputs[1]), bias: pointer(step.inputs[2]), y: raw(result), x_format: format(x),
            y_format: format(result))
        return instruction(
            "layer norm", norm, step, to: result, call: ck_layer_norm_call, routine: ck_layer_norm_forward)
    }

    /// - Parameter residual: added to the gradient of x, in its precision.
    private func layerNormGradient(_ epsilon: Float, _ step: Step, residual: Value? = nil) throws -> Plan.Instruction {
        let (threads, x, dy) = (threads, step.inputs[0], step.inputs[2])
        let channels = shape(x).last
        let working = Int(threads) * 2 * channels
        let scratch = try AlignedMemory(floats: working + (step.results[0] == nil ? shape(x).count : 0))
        let gradient = ck_layer_norm_gradient(
            norm: ck_layer_norm(
                rows: shape(x).count / channels, channels: channels, epsilon: epsilon, x: raw(x),
                gain: pointer(step.inputs[1]), bias: nil, y: raw(dy), x_format: format(x), y_format: format(dy)),
            residual: residual.map { UnsafeRawPointer(raw($0)) },
            dx: step.results[0].map(raw) ?? scratch.start + 4 * working,
            d_gain: step.results[1].map(pointer), d_bias: step.results[2].map(pointer), scratch: scratch.floats)
        let name = residual == nil ? "layer norm gradient" : "layer norm gradient + residual"
        return Plan.Instruction(name: name, keeps: [scratch]) {
            withUnsafePointer(to: gradient) { ck_layer_norm_backward($0, threads) }
        }
    }
}

extension ck_dropout {
    /// Creates a mask whose key is read from the given address when a kernel runs.
    init(_ mask: DropoutMask, key: UnsafePointer<Float>) {
        self.init(key: key, stream: mask.stream, threshold: mask.threshold, scale: mask.scale)
    }
}
