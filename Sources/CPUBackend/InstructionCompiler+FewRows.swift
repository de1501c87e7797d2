internal import CKernels
internal import TensorGraph

// MARK: - Products with few rows

extension InstructionCompiler {
    /// Rows above which tiles of items, which leave out the zeros around a sequence, are faster than reading each weight of a convolution once.
    private static let mostRowsOfConvolution = 16

    /// A product of few rows with weights that are parameters, as a call that reads each weight once; nil for any other.
    ///
    /// Many rows are computed so as well, a few at a time, if the weights are in 8 bits, or in bfloat16 if the inputs are no pairs, which the kernels for
    /// many rows take: a policy must not answer otherwise in a larger batch. Graphs with gradients have large batches and weights that change at each run,
    /// so they keep to the library. Images have too many rows for that: their weights are never in 8 bits.
    mutating func fewRows(_ operation: Operation, _ step: Step, to result: Value) throws -> [Plan.Instruction]? {
        guard graph.gradients.isEmpty, let weight = step.inputs.dropFirst().first,
            let offset = storage.parameterOffset(of: weight)
        else { return nil }
        let x = step.inputs[0]
        let (from, to) = (shape(x), shape(result))
        let (rows, most) = (to.count / to.last, Int(ck_most_rows))
        let isQuantised = weights == .int8 && to.rank < 4
        let isUnpaired = precision(x) == .bfloat16 && from.last % 2 == 1 && to.rank < 4
        let isConvolution = shape(weight).dimensions.dropFirst(2).contains { $0 > 1 }
        guard rows <= (isConvolution ? Self.mostRowsOfConvolution : most) || isQuantised || isUnpaired,
            let (taps, strides) = taps(of: operation, step, to: result)
        else { return nil }
        let panels = Panels(
            outputs: to.last, inputs: from.last, taps: taps.pairs.count, strides: strides,
            format: isQuantised ? ck_int8 : precision(x).format, isPaired: precision(x) == .bfloat16)
        let packed = try parameters.packed(offset: offset, as: .panels(panels), oneDNN: oneDNN, threads: threads)
        packedWeights.append(packed)
        let granule = granules[result] ?? Int(ck_panel_width)
        return stride(from: 0, to: rows, by: most).map { first in
            let rows = first..<min(first + most, rows)
            let tiles = Fixed(taps.tiles(of: rows))
            let product = Fixed([
                ck_few_rows(
                    panels: panels.description, weights: packed.memory.start, scales: packed.scales?.floats,
                    bias: step.inputs.count == 3 ? pointer(step.inputs[2]) : nil, x: raw(x),
                    x_format: precision(x).format, out: raw(result) + first * to.last * precision(result).byteCount,
                    out_format: precision(result).format, x_stride: from.last, out_stride: to.last, rows: rows.count,
                    tiles: tiles.start, tile_count: tiles.count, granule: granule)
            ])
            return Plan.Instruction(
                name: operation.productName, isAuxiliary: first > 0, keeps: [product, tiles, packed],
                accesses: [
                    access(x, .all), access(result, isWrite: true, .channels(count: to.last, granule: granule)),
                ], call: ck_few_rows_call(product.start))
        }
    }

    /// What the weights of an operation connect, and the distances between neighbouring outputs, inputs and taps in PyTorch's layout of them.
    private func taps(of operation: Operation, _ step: Step, to result: Value) -> (taps: Taps, strides: [Int])? {
        let (from, to, weight) = (shape(step.inputs[0]), shape(result), shape(step.inputs[1]))
        return switch operation {
        case .linear:
            (Taps(rows: to.count / to.last), [weight[1], 1, 1])
        case .convolution1D(let geometry):
            (
                Taps(geometry, batch: from[0], length: from[1], windows: to[1]),
                [weight[1] * weight[2], weight[2], 1]
            )
        case .transposedConvolution1D(let geometry, _):
            (
                Taps(transposeOf: geometry, batch: from[0], windows: from[1], length: to[1]),
                [weight[2], weight[1] * weight[2], 1]
            )
        case .convolution2D(let geometry):
            (Taps(geometry, from: from, to: to), [weight[1] * weight[2] * weight[3], weight[2] * weight[3], 1])
        default:
            nil
        }
    }

    /// The normalisation of few rows as a call; nil if there are many.
    func fewRows(_ norm: ck_group_norm, named name: String, _ step: Step, to result: Value) -> Plan.Instruction? {
        guard graph.gradients.isEmpty, norm.batch * norm.time <= ck_most_rows else { return nil }
        var norm = norm
        // Threads that share the channels as the products before do need not wait for each other.
        let x = step.inputs[0]
        let granule = granules[x]
        norm.granule = granule ?? 0
        let sharing = granule.map { Access.Sharing.channels(count: norm.channels, granule: $0) } ?? .all
        let kernel = Fixed([norm])
        return Plan.Instruction(
            name: name, keeps: [kernel],
            accesses: step.inputs.map { access($0, shape($0) == shape(x) ? sharing : .all) }
                + [access(result, isWrite: true, sharing)], call: ck_group_norm_call(kernel.start))
    }

    /// What an instruction does to a value.
    func access(_ value: Value, isWrite: Bool = false, _ sharing: Access.Sharing) -> Access {
        let start = UInt(bitPattern: raw(value))
        return Access(
            bytes: start..<start + UInt(graph.type(of: value).byteCount), isWrite: isWrite, sharing: sharing)
    }

    /// The instruction, if it works on few elements, as one that a single thread does and that can be joined with others; otherwise as it is.
    func joined(_ instruction: Plan.Instruction, of step: Step) -> Plan.Instruction {
        guard case .routine(let run) = instruction.work, !step.kernel.isProduct,
            step.results.allSatisfy({ $0.map { shape($0).count < ck_serial_count } ?? true })
        else { return instruction }
        var instruction = instruction
        instruction.work = .serial(run)
        instruction.accesses =
            step.inputs.map { access($0, .first) }
            + step.results.compactMap { $0.map { access($0, isWrite: true, .first) } }
        return instruction
    }

    /// For each value that is normalised one item at a time how many of its channels must stay on one thread: whole groups and whole panels.
    static func granules(of graph: Graph, _ steps: [Step]) -> [Value: Int] {
        var granules: [Value: Int] = [:]
        for step in steps {
            guard case .groupNorm(let fused) = step.kernel else { continue }
            let shape = graph.type(of: step.inputs[0]).shape
            guard shape[0] == 1 else { continue }
            let width = shape.last / fused.groups
            var granule = Int(ck_panel_width)
            while granule % width != 0 { granule += Int(ck_panel_width) }
            for value in [step.inputs[0]] + (fused.hasResidual ? step.inputs.suffix(1) : []) {
                granules[value] = granule
            }
        }
        return granules
    }
}

extension Precision {
    /// As the kernels name it.
    var format: ck_format {
        switch self {
        case .float32: ck_float32
        case .bfloat16: ck_bfloat16
        }
    }
}

extension Kernel {
    /// Whether the library computes it.
    fileprivate var isProduct: Bool {
        switch self {
        case .operation(let operation): operation.isProduct
        case .parameterGradient: true
        case .groupNorm, .groupNormGradient, .imageNorm, .imageNormGradient, .transformer: false
        }
    }
}

extension Operation {
    /// The name of a product, for profiles.
    var productName: String {
        switch self {
        case .convolution1D: "convolution"
        case .transposedConvolution1D: "transposed convolution"
        case .linearInputGradient: "linear input gradient"
        case .convolution2D: "convolution of images"
        case .convolution2DInputGradient: "input gradient of images"
        default: "linear"
        }
    }
}
