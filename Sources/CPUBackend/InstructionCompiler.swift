internal import CKernels
internal import TensorGraph

/// Turns steps into instructions: binds kernels and primitives to the places of their values.
struct InstructionCompiler {
    typealias Pointer = UnsafeMutablePointer<Float>

    let graph: Graph
    let storage: Storage
    let parameters: CPUBuffer
    let oneDNN: OneDNN
    let threads: Int32
    /// Copies of weights that the instructions read.
    private(set) var packedWeights: [PackedWeights] = []
    /// Memory that belongs to instructions.
    private let scratchpad = AlignedMemory.Growing()

    init(graph: Graph, storage: Storage, parameters: CPUBuffer, oneDNN: OneDNN, threads: Int32) {
        self.graph = graph
        self.storage = storage
        self.parameters = parameters
        self.oneDNN = oneDNN
        self.threads = threads
    }

    /// The instructions of a step.
    /// - Throws: `UnsupportedPrecision`, `OutOfMemory`.
    mutating func instructions(for step: Step) throws -> [Plan.Instruction] {
        for case let value? in step.inputs + step.results where graph.type(of: value).precision != .float32 {
            throw UnsupportedPrecision(operation: "\(step.kernel)", precision: graph.type(of: value).precision)
        }
        switch step.kernel {
        case .groupNorm(let fused):
            return [groupNorm(fused, step)]
        case .groupNormGradient(let fused):
            return [try groupNormGradient(fused, step)]
        case .parameterGradient(let operation), .operation(let operation):
            return try instructions(for: operation, step)
        }
    }

    /// Copies a gradient that was not made in its place.
    func copyOfGradient(_ gradient: (parameter: Int, value: Value)) -> [Plan.Instruction] {
        let source = storage.pointer(to: gradient.value)
        guard let destination = storage.gradient(ofParameter: gradient.parameter), destination != source else {
            return []
        }
        let count = graph.type(of: gradient.value).shape.count
        return [Plan.Instruction(name: "copy gradient") { destination.update(from: source, count: count) }]
    }

    func shape(_ value: Value) -> Shape { graph.type(of: value).shape }
    func pointer(_ value: Value) -> Pointer { storage.pointer(to: value) }

    // MARK: - Operations

    private mutating func instructions(for operation: Operation, _ step: Step) throws -> [Plan.Instruction] {
        let threads = threads
        let inputs = step.inputs.map(pointer)
        guard let result = step.results.lazy.compactMap({ $0 }).first else { return [] }
        let out = pointer(result)
        let count = shape(result).count
        func instruction(_ name: String, _ run: @escaping () -> Void) -> [Plan.Instruction] {
            [Plan.Instruction(name: name, run: run)]
        }

        switch operation {
        case .input, .parameter, .constant, .reshape:
            return []

        case .concatenate(let axis):
            var start = 0
            return step.inputs.flatMap { input in
                defer { start += shape(input)[axis] }
                return copyRows(
                    "concatenate", from: input, axis: axis, start: 0, to: result, start: start,
                    length: shape(input)[axis])
            }
        case .slice(let axis, let range):
            return copyRows(
                "slice", from: step.inputs[0], axis: axis, start: range.lowerBound, to: result, start: 0,
                length: range.count)
        case .place(let axis, let start, _):
            return instruction("fill") { ck_fill(out, 0, count) }
                + copyRows(
                    "place", from: step.inputs[0], axis: axis, start: 0, to: result, start: start,
                    length: shape(step.inputs[0])[axis])
        case .broadcast(let target):
            let zero = try AlignedMemory(floats: 1)
            return elementwise(
                ck_add, inputs[0], shape(step.inputs[0]), zero.floats, [], out, target, "broadcast", keeping: zero)
        case .sum(let target):
            return try sum(step.inputs[0], to: target, out)

        case .add:
            return elementwise(
                ck_add, inputs[0], shape(step.inputs[0]), inputs[1], shape(step.inputs[1]), out, shape(result), "add")
        case .subtract:
            return elementwise(
                ck_subtract, inputs[0], shape(step.inputs[0]), inputs[1], shape(step.inputs[1]), out, shape(result),
                "subtract")
        case .multiply:
            return elementwise(
                ck_multiply, inputs[0], shape(step.inputs[0]), inputs[1], shape(step.inputs[1]), out, shape(result),
                "multiply")
        case .scale(let factor):
            return instruction("scale") { ck_scale(inputs[0], factor, out, count, threads) }
        case .clamp(let lower, let upper):
            return instruction("clamp") { ck_clamp(inputs[0], lower, upper, out, count, threads) }
        case .mish:
            return instruction("mish") { ck_mish(inputs[0], out, count, threads) }
        case .mishGradient:
            return instruction("mish gradient") { ck_mish_gradient(inputs[0], inputs[1], out, count, threads) }
        case .cast(let precision):
            throw UnsupportedPrecision(operation: "cast", precision: precision)

        case .linear:
            return try linear(step, out)
        case .linearInputGradient:
            return try linearSourceGradient(step, out)
        case .linearWeightGradient:
            return try linearWeightGradient(step)
        case .convolution1D(let geometry):
            return try convolution(geometry, step, out)
        case .transposedConvolution1D(let geometry, _):
            return try transposedConvolution(geometry, step, out)
        case .convolution1DWeightGradient(let geometry):
            return try convolutionWeightGradient(geometry, step)

        case .groupNorm(let groups, let epsilon):
            return [groupNorm(FusedGroupNorm(groups: groups, epsilon: epsilon), step)]
        case .groupNormGradient(let groups, let epsilon):
            var step = step
            // Without Mish or FiLM the gradient does not depend on the bias: any vector of the size stands in for it.
            step.inputs = [step.inputs[0], step.inputs[1], step.inputs[1], step.inputs[2]]
            return [try groupNormGradient(FusedGroupNorm(groups: groups, epsilon: epsilon), step)]
        case .film:
            let shape = shape(result)
            return instruction("film") {
                ck_film(inputs[0], inputs[1], inputs[2], shape[2], out, shape[0], shape[1], shape[2], threads)
            }
        case .filmGradient:
            let shape = shape(step.inputs[0])
            let scratch = try AlignedMemory(floats: shape[0] * (shape[1] + 2) * shape[2])
            let dx = step.results[0].map(pointer) ?? scratch.floats
            let dScale = step.results[1].map(pointer) ?? scratch.floats + shape.count
            let dBias = step.results[2].map(pointer) ?? scratch.floats + shape.count + shape[0] * shape[2]
            return [
                Plan.Instruction(name: "film gradient", keeps: [scratch]) {
                    ck_film_gradient(
                        inputs[0], inputs[1], shape[2], inputs[2], dx, dScale, dBias, shape[0], shape[1], shape[2],
                        threads)
                }
            ]

        case .sinusoidalEmbedding(let dimension):
            let batch = shape(result)[0]
            return instruction("sinusoidal embedding") { ck_sinusoidal_embedding(inputs[0], out, batch, dimension) }
        case .lookUp:
            let (rows, batch, columns) = (shape(step.inputs[0])[0], shape(result)[0], shape(result)[1])
            return instruction("look up") { ck_look_up(inputs[0], rows, inputs[1], out, batch, columns) }

        case .meanSquaredError:
            let count = shape(step.inputs[0]).count
            return instruction("mean squared error") { ck_mean_squared_error(inputs[0], inputs[1], out, count) }
        case .meanSquaredErrorGradient:
            return instruction("mean squared error gradient") {
                ck_mean_squared_error_gradient(inputs[0], inputs[1], inputs[2], out, count, threads)
            }
        }
    }

    // MARK: - Copies, sums and broadcasting

    /// Copies `length` indices along an axis from one value to another.
    private func copyRows(
        _ name: String, from source: Value, axis: Int, start: Int, to destination: Value, start destinationStart: Int,
        length: Int
    ) -> [Plan.Instruction] {
        let threads = threads
        let rows = shape(source).dimensions[..<axis].reduce(1, *)
        let inner = shape(source).dimensions[(axis + 1)...].reduce(1, *)
        let (sourceStride, destinationStride) = (shape(source)[axis] * inner, shape(destination)[axis] * inner)
        let from = pointer(source) + start * inner
        let to = pointer(destination) + destinationStart * inner
        return [
            Plan.Instruction(name: name) {
                ck_copy_rows(from, sourceStride, to, destinationStride, rows, length * inner, threads)
            }
        ]
    }

    private func elementwise(
        _ operation: ck_binary, _ a: Pointer, _ aShape: Shape, _ b: Pointer, _ bShape: Shape, _ out: Pointer,
        _ shape: Shape,
        _ name: String, keeping memory: AlignedMemory? = nil
    ) -> [Plan.Instruction] {
        let threads = threads
        if aShape == bShape {
            let count = shape.count
            return [Plan.Instruction(name: name) { ck_binary_same(operation, a, b, out, count, threads) }]
        }
        let loop = BroadcastLoop(over: shape, [aShape, bShape])
        return [
            Plan.Instruction(name: name, keeps: [memory].compactMap { $0 }) {
                ck_binary_strided(operation, a, b, out, loop.extents, loop.strides[0], loop.strides[1], threads)
            }
        ]
    }

    private func sum(_ value: Value, to target: Shape, _ out: Pointer) throws -> [Plan.Instruction] {
        let threads = threads
        let source = pointer(value)
        let shape = shape(value)
        if target == [shape.last] {
            let (rows, columns) = (shape.count / shape.last, shape.last)
            let scratch = try AlignedMemory(floats: Int(threads) * columns)
            return [
                Plan.Instruction(name: "sum rows", keeps: [scratch]) {
                    ck_sum_rows(source, out, rows, columns, scratch.floats, threads)
                }
            ]
        }
        let loop = BroadcastLoop(over: shape, [target])
        let count = target.count
        return [
            Plan.Instruction(name: "sum") { ck_sum_strided(source, out, loop.extents, loop.strides[0], count) }
        ]
    }

    // MARK: - Group normalisation

    private func descriptor(_ fused: FusedGroupNorm, _ inputs: [Value]) -> ck_group_norm {
        let shape = shape(inputs[0])
        return ck_group_norm(
            batch: shape[0], time: shape[1], channels: shape[2], groups: fused.groups, epsilon: fused.epsilon,
            mish: fused.hasMish ? 1 : 0, x: pointer(inputs[0]), gain: pointer(inputs[1]), bias: pointer(inputs[2]),
            film_scale: nil, film_bias: nil, film_stride: shape[2], residual: nil)
    }

    private func groupNorm(_ fused: FusedGroupNorm, _ step: Step) -> Plan.Instruction {
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

    private func groupNormGradient(_ fused: FusedGroupNorm, _ step: Step) throws -> Plan.Instruction {
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

    // MARK: - Products

    private mutating func convolution(
        _ geometry: Convolution1D, _ step: Step, _ out: Pointer
    ) throws -> [Plan.Instruction] {
        let (x, y) = (shape(step.inputs[0]), step.results[0].map(shape) ?? [])
        let shape = geometry.shape(batch: x[0], time: x[1], inputs: x[2], windows: y[1], outputs: y[2])
        let description = oneDNN.convolution(shape, hasBias: step.inputs.count == 3)
        var (pack, tensors) = try packed(step.inputs[1], for: description)
        tensors += [(.source, raw(pointer(step.inputs[0]))), (.destination, raw(out))]
        if step.inputs.count == 3 { tensors.append((.bias, raw(pointer(step.inputs[2])))) }
        return pack + [execute("convolution", description, tensors)]
    }

    private mutating func transposedConvolution(
        _ geometry: Convolution1D, _ step: Step, _ out: Pointer
    ) throws -> [Plan.Instruction] {
        let (x, y) = (shape(step.inputs[0]), step.results[0].map(shape) ?? [])
        let shape = geometry.shape(batch: x[0], time: y[1], inputs: y[2], windows: x[1], outputs: x[2])
        let description = oneDNN.convolutionSourceGradient(shape)
        var (instructions, tensors) = try packed(step.inputs[1], for: description)
        tensors += [(.gradientOfDestination, raw(pointer(step.inputs[0]))), (.gradientOfSource, raw(out))]
        instructions.append(execute("transposed convolution", description, tensors))
        if step.inputs.count == 3 {
            instructions += elementwise(
                ck_add, out, y, pointer(step.inputs[2]), self.shape(step.inputs[2]), out, y, "add bias")
        }
        return instructions
    }

    private func convolutionWeightGradient(_ geometry: Convolution1D, _ step: Step) throws -> [Plan.Instruction] {
        let (x, dy) = (shape(step.inputs[0]), shape(step.inputs[1]))
        let shape = geometry.shape(batch: x[0], time: x[1], inputs: x[2], windows: dy[1], outputs: dy[2])
        let biasGradient = step.results.count > 1 ? step.results[1] : nil
        let description = oneDNN.convolutionWeightGradient(shape, hasBias: biasGradient != nil)
        return try weightGradient(
            "convolution weight gradient", description, step, dimensions: [dy[2], x[2], geometry.kernel], biasGradient)
    }

    private mutating func linear(_ step: Step, _ out: Pointer) throws -> [Plan.Instruction] {
        let (x, w) = (shape(step.inputs[0]), shape(step.inputs[1]))
        let description = oneDNN.linear(
            .init(rows: x.count / x.last, inputs: w[1], outputs: w[0]), hasBias: step.inputs.count == 3)
        var (pack, tensors) = try packed(step.inputs[1], for: description)
        tensors += [(.source, raw(pointer(step.inputs[0]))), (.destination, raw(out))]
        if step.inputs.count == 3 { tensors.append((.bias, raw(pointer(step.inputs[2])))) }
        return pack + [execute("linear", description, tensors)]
    }

    private mutating func linearSourceGradient(_ step: Step, _ out: Pointer) throws -> [Plan.Instruction] {
        let (dy, w) = (shape(step.inputs[0]), shape(step.inputs[1]))
        let description = oneDNN.linearSourceGradient(.init(rows: dy.count / dy.last, inputs: w[1], outputs: w[0]))
        var (pack, tensors) = try packed(step.inputs[1], for: description)
        tensors += [(.gradientOfDestination, raw(pointer(step.inputs[0]))), (.gradientOfSource, raw(out))]
        return pack + [execute("linear input gradient", description, tensors)]
    }

    private func linearWeightGradient(_ step: Step) throws -> [Plan.Instruction] {
        let (x, dy) = (shape(step.inputs[0]), shape(step.inputs[1]))
        let biasGradient = step.results.count > 1 ? step.results[1] : nil
        let description = oneDNN.linearWeightGradient(
            .init(rows: x.count / x.last, inputs: x.last, outputs: dy.last), hasBias: biasGradient != nil)
        return try weightGradient(
            "linear weight gradient", description, step, dimensions: [dy.last, x.last], biasGradient)
    }

    /// A weight gradient in the primitive's layout, then copied to PyTorch's.
    private func weightGradient(
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
        var instructions = [execute(name, description, tensors)]
        if let packed {
            let reorder = oneDNN.reorder(from: layout, at: packed.start, to: plain, at: destination)
            instructions.append(
                Plan.Instruction(name: "unpack " + name, keeps: [packed]) { reorder.execute() })
        }
        if let spare { instructions[0].keeps.append(spare) }
        return instructions
    }

    /// A weight in the layout that a primitive wants: a shared copy of a parameter, or a copy made in each run of anything else.
    private mutating func packed(
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
        let instruction = Plan.Instruction(name: "pack", keeps: [copy]) { reorder.execute() }
        return ([instruction], [(.weights, copy.start)])
    }

    private func execute(
        _ name: String, _ description: OneDNN.Description, _ tensors: [(OneDNN.Argument, UnsafeMutableRawPointer)]
    ) -> Plan.Instruction {
        let primitive = oneDNN.primitive(
            description, tensors.map { (argument: $0.0, memory: $0.1) }, scratchpad: scratchpad)
        return Plan.Instruction(name: name, keeps: [scratchpad]) { primitive.execute() }
    }

    private func raw(_ pointer: Pointer) -> UnsafeMutableRawPointer { UnsafeMutableRawPointer(pointer) }
}
