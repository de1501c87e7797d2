internal import CDPKernels
internal import DPGraph

// MARK: - Blocked GEMM

extension InstructionCompiler {
    /// Returns a product of many rows with a parameter as its weights, computed by our blocked GEMM; nil if the
    /// product has another form or the processor lacks the instructions.
    ///
    /// Measured against the library on one thread of a Zen 5, it is as fast for few channels and long sequences or
    /// large images (250 GFLOP/s in float32 and 490 in bfloat16, of 264 and 530), and up to five times as fast for
    /// 256 channels and more at short sequences and in small images, where the library does not exploit that most
    /// of a window is padding. The library is faster for images with few channels, such as a camera's, where it
    /// computes several taps at once, and for few images, where it computes several pixels at once.
    mutating func blockedGEMM(_ operation: TensorOperation, _ step: Step, to result: Value) throws -> [Plan
        .Instruction]?
    {
        let x = step.inputs[0]
        let (from, to) = (shape(x), shape(result))
        guard let weight = step.inputs.dropFirst().first, let offset = storage.parameterOffset(of: weight),
            ck_has_blocked_gemm(precision(x).format, from.last) != 0,
            let rows = BlockedGEMM(operation, from: from, weight: shape(weight), to: to)
        else { return nil }
        if let instructions = try winograd(rows, operation, step, to: result, weightOffset: offset) {
            return instructions
        }
        let panels = Panels(
            outputs: to.last, inputs: from.last, taps: rows.convolution.rows.kernel * rows.convolution.columns.kernel,
            strides: rows.strides, format: precision(x).format, isPaired: precision(x) == .bfloat16)
        let packed = try parameters.packed(offset: offset, as: .panels(panels), oneDNN: oneDNN, threads: threads)
        packedWeights.append(packed)
        let product = ck_blocked_gemm(
            panels: panels.description, weights: packed.memory.start,
            bias: step.inputs.count == 3 ? pointer(step.inputs[2]) : nil, x: raw(x), out: raw(result),
            out_format: precision(result).format, shape: rows.convolution, is_transposed: rows.isTransposed ? 1 : 0)
        let threads = threads
        return [
            Plan.Instruction(name: operation.productName, keeps: [packed]) {
                withUnsafePointer(to: product) { ck_blocked_gemm_multiply($0, threads) }
            }
        ]
    }
}

/// The geometry of a blocked GEMM.
struct BlockedGEMM {
    /// The convolution that the product computes or transposes.
    let convolution: ck_convolution
    /// Distances between neighboring outputs, inputs and taps in PyTorch's weight layout.
    let strides: [Int]
    /// Whether it reads windows and writes the positions that they cover.
    let isTransposed: Bool

    /// Numbers of channels of an image, and of images, below which the library is faster.
    static let (minChannels, minImages) = (8, 8)

    /// Creates the geometry of an operation; nil if the operation is not such a product.
    init?(_ operation: TensorOperation, from x: Shape, weight: Shape, to y: Shape) {
        switch operation {
        case .linear:
            (convolution, isTransposed) = (ck_convolution(linearFrom: x, to: y), false)
        case .linearInputGradient:
            (convolution, isTransposed) = (ck_convolution(linearFrom: y, to: x), true)
        case .convolution1D(let geometry):
            (convolution, isTransposed) = (ck_convolution(geometry, from: x, to: y), false)
        case .transposedConvolution1D(let geometry, _):
            (convolution, isTransposed) = (ck_convolution(geometry, from: y, to: x), true)
        case .convolution2D(let geometry) where x.last >= Self.minChannels && x[0] >= Self.minImages:
            (convolution, isTransposed) = (ck_convolution(geometry, from: x, to: y), false)
        case .convolution2DInputGradient(let geometry, _, _) where x[0] >= Self.minImages:
            (convolution, isTransposed) = (ck_convolution(geometry, from: y, to: x), true)
        default:
            return nil
        }
        let taps = weight.dimensions.dropFirst(2).reduce(1, *)
        strides = isTransposed ? [taps, weight[1] * taps, 1] : [weight[1] * taps, taps, 1]
    }
}
