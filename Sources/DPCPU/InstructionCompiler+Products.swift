internal import CDPKernels
internal import DPGraph

// MARK: - Convolutions and linear layers

extension InstructionCompiler {
    mutating func product(_ operation: TensorOperation, _ step: Step, to result: Value) throws -> [Plan.Instruction] {
        if let calls = try skinnyGEMM(operation, step, to: result) { return calls }
        if let product = try blockedGEMM(operation, step, to: result) { return product }
        return switch operation {
        case .linear: try linear(step, to: result)
        case .linearInputGradient: try linearSourceGradient(step, to: result)
        case .linearWeightGradient: try linearWeightGradient(step)
        case .convolution1D(let geometry): try convolution(geometry, step, to: result)
        case .transposedConvolution1D(let geometry, _): try transposedConvolution(geometry, step, to: result)
        case .convolution1DWeightGradient(let geometry): try convolutionWeightGradient(geometry, step)
        case .convolution2D(let geometry):
            try forward(
                "convolution of images", OneDNN.Product(geometry, from: shape(step.inputs[0]), to: shape(result)), step,
                result)
        case .convolution2DInputGradient(let geometry, _, _):
            try sourceGradient(
                "input gradient of images", OneDNN.Product(geometry, from: shape(result), to: shape(step.inputs[0])),
                step, raw(result), precision(result))
        case .convolution2DWeightGradient(let geometry): try imageWeightGradient(geometry, step)
        default: preconditionFailure("\(operation) is not a product")
        }
    }

    private mutating func convolution(_ geometry: Convolution1D, _ step: Step, to result: Value) throws -> [Plan
        .Instruction]
    {
        try forward(
            "convolution", OneDNN.Product(geometry, from: shape(step.inputs[0]), to: shape(result)), step, result)
    }

    private mutating func linear(_ step: Step, to result: Value) throws -> [Plan.Instruction] {
        try forward("linear", linearProduct(from: shape(step.inputs[0]), weight: shape(step.inputs[1])), step, result)
    }

    private mutating func forward(
        _ name: String, _ product: OneDNN.Product, _ step: Step, _ result: Value
    ) throws -> [Plan.Instruction] {
        let hasBias = step.inputs.count == 3
        let description = oneDNN.forward(
            product, hasBias: hasBias, operands: precision(step.inputs[0]), result: precision(result))
        var (pack, tensors) = try packed(step.inputs[1], for: description)
        tensors += [(.source, raw(step.inputs[0])), (.destination, raw(result))]
        if hasBias { tensors.append((.bias, raw(step.inputs[2]))) }
        return pack + [try execute(name, description, tensors)]
    }

    private mutating func transposedConvolution(
        _ geometry: Convolution1D, _ step: Step, to result: Value
    ) throws -> [Plan.Instruction] {
        let product = OneDNN.Product(geometry, from: shape(result), to: shape(step.inputs[0]))
        guard step.inputs.count == 3 else {
            return try sourceGradient("transposed convolution", product, step, raw(result), precision(result))
        }
        // oneDNN computes a transposed convolution as the input gradient of a convolution, which cannot add a bias.
        let (y, bias) = (shape(result), step.inputs[2])
        let sum = try AlignedMemory(floats: y.count)
        var instructions = try sourceGradient("transposed convolution", product, step, sum.start, .float32)
        if precision(result) == .float32 {
            instructions += elementwise(
                ck_add, sum.floats, y, pointer(bias), shape(bias), pointer(result), y, "add bias", keeping: sum)
        } else {
            instructions += elementwise(
                ck_add, sum.floats, y, pointer(bias), shape(bias), sum.floats, y, "add bias", keeping: sum)
            instructions += cast(from: sum.start, .float32, to: raw(result), precision(result), count: y.count)
        }
        return instructions
    }

    private mutating func linearSourceGradient(_ step: Step, to result: Value) throws -> [Plan.Instruction] {
        try sourceGradient(
            "linear input gradient", linearProduct(from: shape(result), weight: shape(step.inputs[1])), step,
            raw(result), precision(result))
    }

    private mutating func sourceGradient(
        _ name: String, _ product: OneDNN.Product, _ step: Step, _ out: UnsafeMutableRawPointer, _ result: Precision
    ) throws -> [Plan.Instruction] {
        let description = oneDNN.sourceGradient(product, operands: precision(step.inputs[0]), result: result)
        var (pack, tensors) = try packed(step.inputs[1], for: description)
        tensors += [(.gradientOfDestination, raw(step.inputs[0])), (.gradientOfSource, out)]
        return pack + [try execute(name, description, tensors)]
    }

    private func convolutionWeightGradient(_ geometry: Convolution1D, _ step: Step) throws -> [Plan.Instruction] {
        let (x, dy) = (shape(step.inputs[0]), shape(step.inputs[1]))
        let product = OneDNN.Product(geometry, from: x, to: dy)
        return try weightGradient(
            "convolution weight gradient", ck_convolution(geometry, from: x, to: dy), product, step,
            dimensions: [dy[2], x[2], geometry.kernel])
    }

    private func linearWeightGradient(_ step: Step) throws -> [Plan.Instruction] {
        let (x, dy) = (shape(step.inputs[0]), shape(step.inputs[1]))
        return try weightGradient(
            "linear weight gradient", ck_convolution(linearFrom: x, to: dy),
            linearProduct(from: x, weight: [dy.last, x.last]), step, dimensions: [dy.last, x.last])
    }

    private func imageWeightGradient(_ geometry: Convolution2D, _ step: Step) throws -> [Plan.Instruction] {
        let (x, dy) = (shape(step.inputs[0]), shape(step.inputs[1]))
        let product = OneDNN.Product(geometry, from: x, to: dy)
        let dimensions = [dy.last, x.last, geometry.height.kernel, geometry.width.kernel]
        guard x.last >= BlockedGEMM.minChannels else {
            return try weightGradient("weight gradient of images", product, step, dimensions: dimensions)
        }
        return try weightGradient(
            "weight gradient of images", ck_convolution(geometry, from: x, to: dy), product, step,
            dimensions: dimensions)
    }

    private func linearProduct(from x: Shape, weight: Shape) -> OneDNN.Product {
        OneDNN.Product(rows: x.count / x.last, inputs: weight[1], outputs: weight[0])
    }

    /// Computes the gradients of a weight and, if the step has a second result, of a bias: with our kernel if the
    /// processor has the instructions for it.
    private func weightGradient(
        _ name: String, _ shape: ck_convolution, _ product: OneDNN.Product, _ step: Step, dimensions: [Int]
    ) throws -> [Plan.Instruction] {
        let format = ck_format(precision(step.inputs[0]))
        guard ck_has_weight_gradient(format) != 0 else {
            return try weightGradient(name, product, step, dimensions: dimensions)
        }
        let (threads, scratchpad) = (threads, scratchpad)
        let (x, dy) = (raw(step.inputs[0]), raw(step.inputs[1]))
        // Receives a gradient that is computed but not needed.
        let discarded = step.results[0] == nil ? try AlignedMemory(floats: dimensions.reduce(1, *)) : nil
        guard let destination = discarded?.floats ?? step.results[0].map(pointer) else { return [] }
        let bias = step.results.count > 1 ? step.results[1].map(pointer) : nil
        var shape = shape
        _ = try scratchpad.reserve(ck_weight_gradient_scratch(&shape, format, threads))
        return [
            Plan.Instruction(name: name, keeps: [discarded].compactMap { $0 }) {
                ck_convolution_weight_gradient(
                    &shape, format, x, dy, destination, bias, scratchpad.start, threads)
            }
        ]
    }

    /// Computes the library's weight gradient in its preferred layout, then copies it to PyTorch's.
    private func weightGradient(
        _ name: String, _ product: OneDNN.Product, _ step: Step, dimensions: [Int]
    ) throws -> [Plan.Instruction] {
        let biasGradient = step.results.count > 1 ? step.results[1] : nil
        let description = oneDNN.weightGradient(
            product, hasBias: biasGradient != nil, operands: precision(step.inputs[0]))
        let layout = description.layout(of: .gradientOfWeights)
        let plain = OneDNN.Layout(rowMajor: dimensions)
        let packed = layout == plain ? nil : try AlignedMemory(byteCount: layout.byteCount)
        // Receives a gradient that is computed but not needed.
        let discarded = step.results[0] == nil ? try AlignedMemory(byteCount: plain.byteCount) : nil
        guard let destination = discarded?.start ?? step.results[0].map(raw) else { return [] }
        var tensors: [(OneDNN.Argument, UnsafeMutableRawPointer)] = [
            (.source, raw(step.inputs[0])), (.gradientOfDestination, raw(step.inputs[1])),
            (.gradientOfWeights, packed?.start ?? destination),
        ]
        if let biasGradient { tensors.append((.gradientOfBias, raw(biasGradient))) }
        var instructions = [try execute(name, description, tensors)]
        if let packed {
            let reorder = oneDNN.reorder(from: layout, at: packed.start, to: plain, at: destination)
            instructions.append(
                Plan.Instruction(name: "unpack " + name, isAuxiliary: true, keeps: [packed]) { reorder.execute() })
        }
        if let discarded { instructions[0].keeps.append(discarded) }
        return instructions
    }

    /// Returns a weight in the layout that a primitive requires: a shared copy of a parameter, or a copy of another
    /// value that is renewed when the value changes.
    mutating func packed(
        _ weight: Value, for description: OneDNN.Description
    ) throws -> (instructions: [Plan.Instruction], tensors: [(OneDNN.Argument, UnsafeMutableRawPointer)]) {
        let layout = description.layout(of: .weights)
        let plain = OneDNN.Layout(rowMajor: shape(weight).dimensions, precision(weight))
        if layout == plain { return ([], [(.weights, raw(weight))]) }
        if let offset = storage.parameterOffset(of: weight) {
            let packed = try parameters.packed(
                offset: offset, as: .layout(layout, from: plain), oneDNN: oneDNN, threads: threads)
            packedWeights.append(packed)
            return ([], [(.weights, packed.memory.start)])
        }
        let copy = try AlignedMemory(byteCount: layout.byteCount)
        let reorder = oneDNN.reorder(from: plain, at: raw(weight), to: layout, at: copy.start)
        let rate = graph.nodes[weight.node].rate
        let instruction = Plan.Instruction(name: "pack", isAuxiliary: true, keeps: [copy], rate: rate) {
            reorder.execute()
        }
        return ([instruction], [(.weights, copy.start)])
    }

    func execute(
        _ name: String, _ description: OneDNN.Description, _ tensors: [(OneDNN.Argument, UnsafeMutableRawPointer)]
    ) throws -> Plan.Instruction {
        let primitive = try oneDNN.primitive(
            description, tensors.map { (argument: $0.0, memory: $0.1) }, scratchpad: scratchpad)
        return Plan.Instruction(name: name, keeps: [scratchpad]) { primitive.execute() }
    }
}
