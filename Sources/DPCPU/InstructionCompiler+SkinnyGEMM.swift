internal import CDPKernels
internal import DPGraph

// MARK: - Skinny GEMM

extension InstructionCompiler {
    /// Largest number of rows of a convolution for this kernel.
    ///
    /// With more rows, blocked GEMM is faster, because it skips the padding.
    private static let maxConvolutionRows = 16

    /// Returns a product of few rows with weights that are parameters, as a call that reads each weight once; nil
    /// for any other product.
    ///
    /// Many rows are also computed this way, a few at a time, if the weights are in 8 bits, or in bfloat16 if the
    /// number of inputs is odd, since blocked GEMM requires pairs: a policy must not return different results in a
    /// larger batch. Graphs with gradients have large batches and weights that change at each run, so they use
    /// blocked GEMM or oneDNN. Convolutions of small feature maps also use this kernel, but weights of images are
    /// never stored in 8 bits.
    mutating func skinnyGEMM(_ operation: TensorOperation, _ step: Step, to result: Value) throws -> [Plan.Instruction]?
    {
        guard graph.gradients.isEmpty, let weight = step.inputs.dropFirst().first,
            let offset = storage.parameterOffset(of: weight)
        else { return nil }
        let x = step.inputs[0]
        let (from, to) = (shape(x), shape(result))
        let (rows, most) = (to.count / to.last, Int(ck_max_rows))
        let isQuantized = weights == .int8 && to.rank < 4
        let isUnpaired = precision(x) == .bfloat16 && from.last % 2 == 1 && to.rank < 4
        let isConvolution = shape(weight).dimensions.dropFirst(2).contains { $0 > 1 }
        guard rows <= (isConvolution ? Self.maxConvolutionRows : most) || isQuantized || isUnpaired,
            let (taps, strides) = taps(of: operation, step, to: result)
        else { return nil }
        let panels = Panels(
            outputs: to.last, inputs: from.last, taps: taps.pairs.count, strides: strides,
            format: isQuantized ? ck_int8 : precision(x).format, isPaired: precision(x) == .bfloat16)
        let packed = try parameters.packed(offset: offset, as: .panels(panels), oneDNN: oneDNN, threads: threads)
        packedWeights.append(packed)
        let grain = grains[result] ?? Int(ck_panel_width)
        return stride(from: 0, to: rows, by: most).map { first in
            let rows = first..<min(first + most, rows)
            let tiles = StableArray(taps.tiles(of: rows))
            let product = StableArray([
                ck_skinny_gemm(
                    panels: panels.description, weights: packed.memory.start, scales: packed.scales?.floats,
                    bias: step.inputs.count == 3 ? pointer(step.inputs[2]) : nil, x: raw(x),
                    x_format: precision(x).format, out: raw(result) + first * to.last * precision(result).byteCount,
                    out_format: precision(result).format, x_stride: from.last, out_stride: to.last, rows: rows.count,
                    tiles: tiles.start, tile_count: tiles.count, grain: grain)
            ])
            return Plan.Instruction(
                name: operation.productName, isAuxiliary: first > 0, keeps: [product, tiles, packed],
                accesses: [
                    access(x, .all), access(result, isWrite: true, .channels(count: to.last, grain: grain)),
                ], call: ck_skinny_gemm_call(product.start))
        }
    }

    /// Returns the rows that the weights of an operation connect, and the distances between neighboring outputs,
    /// inputs and taps in PyTorch's weight layout.
    private func taps(of operation: TensorOperation, _ step: Step, to result: Value) -> (taps: Taps, strides: [Int])? {
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

    /// Returns a group norm of few rows as a call; nil if there are many rows.
    func smallGroupNorm(
        _ norm: ck_group_norm, named name: String, _ step: Step, to result: Value
    ) -> Plan.Instruction? {
        guard graph.gradients.isEmpty, norm.batch * norm.time <= ck_max_rows else { return nil }
        var norm = norm
        // Threads that divide the channels as in the preceding products need not wait for each other.
        let x = step.inputs[0]
        let grain = grains[x]
        norm.grain = grain ?? 0
        let sharing = grain.map { Access.Sharing.channels(count: norm.channels, grain: $0) } ?? .all
        let kernel = StableArray([norm])
        return Plan.Instruction(
            name: name, keeps: [kernel],
            accesses: step.inputs.map { access($0, shape($0) == shape(x) ? sharing : .all) }
                + [access(result, isWrite: true, sharing)], call: ck_group_norm_call(kernel.start))
    }

    /// Returns an instruction's access to a value.
    func access(_ value: Value, isWrite: Bool = false, _ sharing: Access.Sharing) -> Access {
        let start = UInt(bitPattern: raw(value))
        return Access(
            bytes: start..<start + UInt(graph.type(of: value).byteCount), isWrite: isWrite, sharing: sharing)
    }

    /// Marks an instruction on few elements as serial, so that it can run in the same parallel region as its
    /// neighbors.
    ///
    /// Other instructions are returned unchanged.
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

    /// Returns, for each value that is normalized one item at a time, how many of its channels must stay on one
    /// thread: whole groups and whole panels.
    static func grains(of graph: Graph, _ steps: [Step]) -> [Value: Int] {
        var grains: [Value: Int] = [:]
        for step in steps {
            guard case .groupNorm(let fused) = step.kernel else { continue }
            let shape = graph.type(of: step.inputs[0]).shape
            guard shape[0] == 1 else { continue }
            let width = shape.last / fused.groups
            var grain = Int(ck_panel_width)
            while grain % width != 0 { grain += Int(ck_panel_width) }
            for value in [step.inputs[0]] + (fused.hasResidual ? step.inputs.suffix(1) : []) {
                grains[value] = grain
            }
        }
        return grains
    }
}

extension Precision {
    /// The kernels' name of the precision.
    var format: ck_format {
        switch self {
        case .float32: ck_float32
        case .bfloat16: ck_bfloat16
        }
    }
}

extension Kernel {
    /// Whether it computes a product.
    fileprivate var isProduct: Bool {
        switch self {
        case .operation(let operation): operation.isProduct
        case .parameterGradient: true
        case .groupNorm, .groupNormGradient, .imageNorm, .imageNormGradient, .transformer: false
        }
    }
}

extension TensorOperation {
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
