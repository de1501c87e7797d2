internal import CDPKernels
internal import DPGraph

/// Turns steps into instructions: binds kernels and primitives to the memory of their values.
struct InstructionCompiler {
    typealias Pointer = UnsafeMutablePointer<Float>

    let graph: Graph
    let storage: Storage
    let parameters: CPUBuffer
    let oneDNN: OneDNN
    /// How weights are stored if there are no gradients.
    let weights: WeightFormat
    let threads: Int32
    /// Number of channels of each normalized value that must stay on one thread.
    let grains: [Value: Int]
    /// Copies of weights that the instructions read.
    var packedWeights: [PackedWeights] = []
    /// Statistics of normalized images, which their gradients use again.
    var statistics: [Value: AlignedMemory] = [:]
    /// Working memory that instructions share.
    let scratchpad = AlignedMemory.ScratchBuffer()

    init(
        graph: Graph, steps: [Step], storage: Storage, parameters: CPUBuffer, oneDNN: OneDNN, weights: WeightFormat,
        threads: Int32
    ) {
        self.graph = graph
        self.storage = storage
        self.parameters = parameters
        self.oneDNN = oneDNN
        self.weights = weights
        self.threads = threads
        grains = InstructionCompiler.grains(of: graph, steps)
    }

    /// Returns the instructions of a step.
    /// - Throws: `InputError`, `OutOfMemory`.
    mutating func instructions(for step: Step) throws -> [Plan.Instruction] {
        switch step.kernel {
        case .groupNorm(let fused):
            return [groupNorm(fused, step)]
        case .groupNormGradient(let fused):
            return [try groupNormGradient(fused, step)]
        case .imageNorm(let fused):
            return [try imageNorm(fused, step)]
        case .imageNormGradient(let fused):
            return [try imageNormGradient(fused, step)]
        case .transformer(let fused):
            return [try transformer(fused, step)]
        case .parameterGradient(let operation), .operation(let operation):
            return try instructions(for: operation, step)
        }
    }

    /// Copies a gradient that was not computed in its final location.
    func copyOfGradient(_ gradient: (parameter: Int, value: Value)) -> [Plan.Instruction] {
        let source = pointer(gradient.value)
        guard let destination = storage.gradient(ofParameter: gradient.parameter), destination != source else {
            return []
        }
        let count = graph.type(of: gradient.value).shape.count
        return [Plan.Instruction(name: "copy gradient") { destination.update(from: source, count: count) }]
    }

    func shape(_ value: Value) -> Shape { graph.type(of: value).shape }
    func precision(_ value: Value) -> Precision { graph.type(of: value).precision }
    func raw(_ value: Value) -> UnsafeMutableRawPointer { storage.pointer(to: value) }
    /// Returns the address of a value in float32.
    func pointer(_ value: Value) -> Pointer { storage.place(of: value).start }

    // MARK: - Operations

    private mutating func instructions(for operation: TensorOperation, _ step: Step) throws -> [Plan.Instruction] {
        guard let result = step.results.lazy.compactMap({ $0 }).first else { return [] }
        if operation.isProduct { return try product(operation, step, to: result) }
        if operation.isMovement { return try movement(operation, step, to: result) }
        switch operation {
        case .cast:
            let source = step.inputs[0]
            return cast(
                from: raw(source), precision(source), to: raw(result), precision(result), count: shape(result).count)
        case .add where step.inputs.allSatisfy { shape($0) == shape(result) }:
            return [sumOfTwo(step, to: result)]
        case .groupNorm(let groups, let epsilon):
            return [groupNorm(FusedGroupNorm(groups: groups, epsilon: epsilon), step)]
        case .groupNormGradient(let groups, let epsilon):
            var step = step
            // Without Mish or FiLM, the gradient does not depend on the bias, so any vector of the same size can
            // replace it.
            step.inputs = [step.inputs[0], step.inputs[1], step.inputs[1], step.inputs[2]]
            return [try groupNormGradient(FusedGroupNorm(groups: groups, epsilon: epsilon), step)]
        case .relu, .reluGradient, .maxPooling2D, .maxPooling2DGradient, .spatialSoftmax, .spatialSoftmaxGradient:
            return try images(operation, step, to: result)
        case .gelu, .geluGradient, .dropout, .layerNorm, .layerNormGradient, .attention, .attentionGradient:
            return [try transformer(operation, step, to: result)]
        default:
            return try float32(operation, step, to: result)
        }
    }

    /// Returns the instructions of an operation that computes in float32.
    private func float32(_ operation: TensorOperation, _ step: Step, to result: Value) throws -> [Plan.Instruction] {
        let threads = threads
        let inputs = step.inputs.map(pointer)
        let out = pointer(result)
        let count = shape(result).count
        func instruction(_ name: String, _ run: @escaping () -> Void) -> [Plan.Instruction] {
            [Plan.Instruction(name: name, run: run)]
        }

        switch operation {
        case .input, .parameter, .constant:
            return []
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

        case .film:
            let shape = shape(result)
            let film = ck_modulation(
                batch: shape[0], time: shape[1], channels: shape[2], format: ck_float32, x: inputs[0],
                scale: inputs[1], bias: inputs[2], film_stride: shape[2], out: out, dy: nil, d_scale: nil, d_bias: nil)
            return instruction("film") { withUnsafePointer(to: film) { ck_film($0, threads) } }
        case .filmGradient:
            let shape = shape(step.inputs[0])
            let scratch = try AlignedMemory(floats: shape[0] * (shape[1] + 2) * shape[2])
            let dx = step.results[0].map(pointer) ?? scratch.floats
            let dScale = step.results[1].map(pointer) ?? scratch.floats + shape.count
            let dBias = step.results[2].map(pointer) ?? scratch.floats + shape.count + shape[0] * shape[2]
            let film = ck_modulation(
                batch: shape[0], time: shape[1], channels: shape[2], format: ck_float32, x: inputs[0],
                scale: inputs[1], bias: nil, film_stride: shape[2], out: dx, dy: inputs[2], d_scale: dScale,
                d_bias: dBias)
            return [
                Plan.Instruction(name: "film gradient", keeps: [scratch]) {
                    withUnsafePointer(to: film) { ck_film_gradient($0, threads) }
                }
            ]

        case .sinusoidalEmbedding(let dimension):
            let batch = shape(result)[0]
            return instruction("sinusoidal embedding") { ck_sinusoidal_embedding(inputs[0], out, batch, dimension) }
        case .indexSelect:
            let (rows, batch, columns) = (shape(step.inputs[0])[0], shape(result)[0], shape(result)[1])
            return instruction("index select") { ck_look_up(inputs[0], rows, inputs[1], out, batch, columns) }

        case .meanSquaredError:
            let count = shape(step.inputs[0]).count
            return instruction("mean squared error") { ck_mean_squared_error(inputs[0], inputs[1], out, count) }
        case .meanSquaredErrorGradient:
            return instruction("mean squared error gradient") {
                ck_mean_squared_error_gradient(inputs[0], inputs[1], inputs[2], out, count, threads)
            }

        case .reshape, .concatenate, .slice, .pad, .broadcast, .cast, .groupNorm, .groupNormGradient, .linear,
            .linearInputGradient, .linearWeightGradient, .convolution1D, .transposedConvolution1D,
            .convolution1DWeightGradient, .gelu, .geluGradient, .dropout, .layerNorm, .layerNormGradient, .attention,
            .attentionGradient, .relu, .reluGradient, .convolution2D, .convolution2DInputGradient,
            .convolution2DWeightGradient, .maxPooling2D, .maxPooling2DGradient, .spatialSoftmax,
            .spatialSoftmaxGradient:
            preconditionFailure("\(operation) is not a float32 operation")
        }
    }
}
