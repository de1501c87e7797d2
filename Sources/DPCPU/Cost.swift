internal import DPGraph

/// The cost of a step on any machine, as a reference for profiles.
struct Cost {
    /// Multiplications and additions of products, including those with the zeros around a sequence or image.
    var floatingPointOperations = 0
    /// Bytes of the values that are read and written, each counted once.
    var byteCount = 0

    init(floatingPointOperations: Int = 0, byteCount: Int = 0) {
        self.floatingPointOperations = floatingPointOperations
        self.byteCount = byteCount
    }

    /// Computes the cost of a step of a graph.
    init(of step: Step, in graph: Graph) {
        func shape(_ value: Value) -> Shape { graph.type(of: value).shape }
        for value in Set(step.inputs + step.results.compactMap { $0 }) {
            byteCount += graph.type(of: value).byteCount
        }
        switch step.kernel {
        case .operation(let operation), .parameterGradient(let operation):
            switch operation {
            case .linear, .linearInputGradient, .transposedConvolution1D:
                // Each element of the input is multiplied by all weights of its channel.
                let (x, weight) = (shape(step.inputs[0]), shape(step.inputs[1]))
                floatingPointOperations = 2 * x.count * (weight.count / x.last)
            case .convolution1D, .convolution2D:
                let weight = shape(step.inputs[1])
                floatingPointOperations =
                    step.results.first.flatMap { $0 }.map {
                        2 * shape($0).count * (weight.count / weight[0])
                    } ?? 0
            case .convolution2DInputGradient:
                let weight = shape(step.inputs[1])
                floatingPointOperations = 2 * shape(step.inputs[0]).count * (weight.count / weight[0])
            case .linearWeightGradient:
                floatingPointOperations = 2 * shape(step.inputs[0]).count * shape(step.inputs[1]).last
            case .convolution1DWeightGradient(let geometry):
                floatingPointOperations =
                    2 * shape(step.inputs[1]).count * shape(step.inputs[0]).last * geometry.kernel
            case .convolution2DWeightGradient(let geometry):
                floatingPointOperations =
                    2 * shape(step.inputs[1]).count * shape(step.inputs[0]).last * geometry.height.kernel
                    * geometry.width.kernel
            case .attention(let attention):
                floatingPointOperations = attention.cost(attention.operands(step.inputs).projections.map(shape))
            case .attentionGradient(let attention):
                // The scores again, and the gradients of weights, queries, keys and values: five products instead
                // of two.
                let operands = attention.operands(step.inputs, isGradient: true)
                floatingPointOperations = attention.cost(operands.projections.map(shape)) / 2 * 5
            default: break
            }
        case .groupNorm, .groupNormGradient, .imageNorm, .imageNormGradient, .transformer: break
        }
    }
}

extension Attention {
    /// Returns the cost of the products of queries and keys and of weights and values, including masked ones.
    fileprivate func cost(_ projections: [Shape]) -> Int {
        extents(of: projections).map { 4 * $0.batch * $0.queries * $0.keys * $0.width } ?? 0
    }
}
