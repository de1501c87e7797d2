internal import CKernels
internal import TensorGraph

// MARK: - Convolutions and linear layers

extension InstructionCompiler {
    mutating func convolution(
        _ geometry: Convolution1D, _ step: Step, _ out: Pointer
    ) throws -> [Plan.Instruction] {
        let (x, y) = (shape(step.inputs[0]), step.results[0].map(shape) ?? [])
        let shape = geometry.shape(batch: x[0], time: x[1], inputs: x[2], windows: y[1], outputs: y[2])
        let description = oneDNN.convolution(shape, hasBias: step.inputs.count == 3)
        var (pack, tensors) = try packed(step.inputs[1], for: description)
        tensors += [(.source, raw(pointer(step.inputs[0]))), (.destination, raw(out))]
        if step.inputs.count == 3 { tensors.append((.bias, raw(pointer(step.inputs[2])))) }
        return pack + [try execute("convolution", description, tensors)]
    }

    mutating func transposedConvolution(
        _ geometry: Convolution1D, _ step: Step, _ out: Pointer
    ) throws -> [Plan.Instruction] {
        let (x, y) = (shape(step.inputs[0]), step.results[0].map(shape) ?? [])
        let shape = geometry.shape(batch: x[0], time: y[1], inputs: y[2], windows: x[1], outputs: x[2])
        let description = oneDNN.convolutionSourceGradient(shape)
        var (instructions, tensors) = try packed(step.inputs[1], for: description)
        tensors += [(.gradientOfDestination, raw(pointer(step.inputs[0]))), (.gradientOfSource, raw(out))]
        instructions.append(try execute("transposed convolution", description, tensors))
        if step.inputs.count == 3 {
            instructions += elementwise(
                ck_add, out, y, pointer(step.inputs[2]), self.shape(step.inputs[2]), out, y, "add bias")
        }
        return instructions
    }

    func convolutionWeightGradient(_ geometry: Convolution1D, _ step: Step) throws -> [Plan.Instruction] {
        let (x, dy) = (shape(step.inputs[0]), shape(step.inputs[1]))
        let shape = geometry.shape(batch: x[0], time: x[1], inputs: x[2], windows: dy[1], outputs: dy[2])
        let biasGradient = step.results.count > 1 ? step.results[1] : nil
        let description = oneDNN.convolutionWeightGradient(shape, hasBias: biasGradient != nil)
        return try weightGradient(
            "convolution weight gradient", description, step, dimensions: [dy[2], x[2], geometry.kernel], biasGradient)
    }

    mutating func linear(_ step: Step, _ out: Pointer) throws -> [Plan.Instruction] {
        let (x, w) = (shape(step.inputs[0]), shape(step.inputs[1]))
        let description = oneDNN.linear(
            .init(rows: x.count / x.last, inputs: w[1], outputs: w[0]), hasBias: step.inputs.count == 3)
        var (pack, tensors) = try packed(step.inputs[1], for: description)
        tensors += [(.source, raw(pointer(step.inputs[0]))), (.destination, raw(out))]
        if step.inputs.count == 3 { tensors.append((.bias, raw(pointer(step.inputs[2])))) }
        return pack + [try execute("linear", description, tensors)]
    }

    mutating func linearSourceGradient(_ step: Step, _ out: Pointer) throws -> [Plan.Instruction] {
        let (dy, w) = (shape(step.inputs[0]), shape(step.inputs[1]))
        let description = oneDNN.linearSourceGradient(.init(rows: dy.count / dy.last, inputs: w[1], outputs: w[0]))
        var (pack, tensors) = try packed(step.inputs[1], for: description)
        tensors += [(.gradientOfDestination, raw(pointer(step.inputs[0]))), (.gradientOfSource, raw(out))]
        return pack + [try execute("linear input gradient", description, tensors)]
    }

    func linearWeightGradient(_ step: Step) throws -> [Plan.Instruction] {
        let (x, dy) = (shape(step.inputs[0]), shape(step.inputs[1]))
        let biasGradient = step.results.count > 1 ? step.results[1] : nil
        let description = oneDNN.linearWeightGradient(
            .init(rows: x.count / x.last, inputs: x.last, outputs: dy.last), hasBias: biasGradient != nil)
        return try weightGradient(
            "linear weight gradient", description, step, dimensions: [dy.last, x.last], biasGradient)
    }

    /// A weight gradient in the primitive's layout, then copied to PyTorch's.
    func weightGradient(
        _ name: String, _ description: OneDNN.Description, _ step: Step, dimensions: [Int], _ biasGradient: Value?
    ) throws -> [Plan.Instruction] {
        let layout = description.layout(of: .gradientOfWeights)
        let plain = OneDNN.Layout(rowMajor: dimensions)
        let packed = layout == plain ? nil : try AlignedMemory(byteCount: layout.byteCount)
        let spare = step.results[0] == nil ? try AlignedMemory(byteCount: plain.byteCount) : nil
        guard let destination = spare?.start ?? step.results[0].map({ raw(pointer($0)) }) else { return [] }
        var tensors: [(OneDNN.Argument, UnsafeMutableRawPointer)] = [
            (.source, raw(pointer(step.inputs[0]))), (.gradientOfDestination, raw(pointer(step.inputs[1]))),
            (.gradientOfWeights, packed?.start ?? destination),
        ]
        if let biasGradient { tensors.append((.gradientOfBias, raw(pointer(biasGradient)))) }
        var instructions = [try execute(name, description, tensors)]
        if let packed {
            let reorder = oneDNN.reorder(from: layout, at: packed.start, to: plain, at: destination)
            instructions.append(
                Plan.Instruction(name: "unpack " + name, keeps: [packed]) { reorder.execute() })
        }
        if let spare { instructions[0].keeps.append(spare) }
        return instructions
    }

    /// A weight in the layout that a primitive wants: a shared copy of a parameter, or a copy of anything else, made when that changes.
    mutating func packed(
        _ weight: Value, for description: OneDNN.Description
    ) throws -> (instructions: [Plan.Instruction], tensors: [(OneDNN.Argument, UnsafeMutableRawPointer)]) {
        let layout = description.layout(of: .weights)
        let plain = OneDNN.Layout(rowMajor: shape(weight).dimensions)
        if layout == plain { return ([], [(.weights, raw(pointer(weight)))]) }
        if let offset = storage.parameterOffset(of: weight) {
            let packed = try parameters.packed(offset: offset, from: plain, to: layout, oneDNN: oneDNN)
            packedWeights.append(packed)
            return ([], [(.weights, packed.memory.start)])
        }
        let copy = try AlignedMemory(byteCount: layout.byteCount)
        let reorder = oneDNN.reorder(from: plain, at: raw(pointer(weight)), to: layout, at: copy.start)
        let rate = graph.nodes[weight.node].rate
        let instruction = Plan.Instruction(name: "pack", keeps: [copy], rate: rate) { reorder.execute() }
        return ([instruction], [(.weights, copy.start)])
    }

    func execute(
        _ name: String, _ description: OneDNN.Description, _ tensors: [(OneDNN.Argument, UnsafeMutableRawPointer)]
    ) throws -> Plan.Instruction {
        let primitive = try oneDNN.primitive(
            description, tensors.map { (argument: $0.0, memory: $0.1) }, scratchpad: scratchpad)
        return Plan.Instruction(name: name, keeps: [scratchpad]) { primitive.execute() }
    }

    func raw(_ pointer: Pointer) -> UnsafeMutableRawPointer { UnsafeMutableRawPointer(pointer) }
}

extension Convolution1D {
    /// The shapes of a convolution of this geometry.
    func shape(
        batch: Int, time: Int, inputs: Int, windows: Int, outputs: Int
    ) -> OneDNN.ConvolutionShape {
        OneDNN.ConvolutionShape(
            batch: batch, time: time, inputs: inputs, windows: windows, outputs: outputs, kernel: kernel,
            stride: stride,
            padding: padding)
    }
}
