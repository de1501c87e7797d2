import DPGraph

extension TensorOperation {
    /// Computes the operation according to its definition.
    /// - Parameters:
    ///   - inputs: tensors of shapes that the shape rule allows.
    ///   - shape: the shape of the first result.
    func evaluate(_ inputs: [HostTensor], shape: Shape) -> [HostTensor] {
        switch self {
        case .input, .parameter:
            preconditionFailure("\(self) is given, not computed")
        case .constant(let values, let shape):
            return [HostTensor(shape, values.map(Double.init))]

        case .reshape(let target):
            return [HostTensor(target, inputs[0].values)]
        case .concatenate(let axis):
            return [.concatenate(inputs, axis: axis, shape: shape)]
        case .slice(let axis, let range):
            var result = HostTensor(zeros: shape)
            HostTensor.copy(range, of: inputs[0], to: &result, at: 0, axis: axis)
            return [result]
        case .pad(let axis, let start, _):
            var result = HostTensor(zeros: shape)
            HostTensor.copy(0..<inputs[0].shape[axis], of: inputs[0], to: &result, at: start, axis: axis)
            return [result]
        case .broadcast(let target):
            return [inputs[0].broadcast(to: target)]
        case .sum(let target):
            return [inputs[0].sum(to: target)]

        case .add:
            return [.combine(inputs, shape, +)]
        case .subtract:
            return [.combine(inputs, shape, -)]
        case .multiply:
            return [.combine(inputs, shape, *)]
        case .scale(let factor):
            return [inputs[0].map { Double(factor) * $0 }]
        case .clamp(let lower, let upper):
            return [inputs[0].map { min(max($0, Double(lower)), Double(upper)) }]
        case .mish:
            return [inputs[0].map(Mish.value)]
        case .mishGradient:
            return [.combine(inputs, shape) { x, adjoint in Mish.derivative(x) * adjoint }]
        case .cast:
            return [inputs[0]]
        case .gelu:
            return [inputs[0].map(GELU.value)]
        case .geluGradient:
            return [.combine(inputs, shape) { x, adjoint in GELU.derivative(x) * adjoint }]
        case .dropout(let mask):
            return [mask.apply(to: inputs[0], key: inputs[1])]

        case .linear:
            return [Linear.apply(inputs[0], weight: inputs[1], bias: inputs.count == 3 ? inputs[2] : nil, shape: shape)]
        case .linearInputGradient:
            return [Linear.inputGradient(inputs[0], weight: inputs[1], shape: shape)]
        case .linearWeightGradient:
            return [Linear.weightGradient(inputs[0], adjoint: inputs[1], shape: shape)]
        case .convolution1D(let geometry):
            let bias = inputs.count == 3 ? inputs[2] : nil
            return [geometry.convolve(inputs[0], weight: inputs[1], bias: bias, shape: shape)]
        case .transposedConvolution1D(let geometry, _):
            let bias = inputs.count == 3 ? inputs[2] : nil
            return [geometry.transposedConvolve(inputs[0], weight: inputs[1], bias: bias, shape: shape)]
        case .convolution1DWeightGradient(let geometry):
            return [geometry.weightGradient(inputs[0], adjoint: inputs[1], shape: shape)]

        case .groupNorm(let groups, let epsilon):
            return [
                GroupNorm(groups: groups, epsilon: Double(epsilon))
                    .normalize(inputs[0], gain: inputs[1], bias: inputs[2])
            ]
        case .groupNormGradient(let groups, let epsilon):
            return GroupNorm(groups: groups, epsilon: Double(epsilon))
                .gradients(inputs[0], gain: inputs[1], adjoint: inputs[2])
        case .film:
            return [FiLM.apply(inputs[0], scale: inputs[1], bias: inputs[2])]
        case .filmGradient:
            return FiLM.gradients(inputs[0], scale: inputs[1], adjoint: inputs[2])
        case .layerNorm(let epsilon):
            return [LayerNorm(epsilon: Double(epsilon)).normalize(inputs[0], gain: inputs[1], bias: inputs[2])]
        case .layerNormGradient(let epsilon):
            return LayerNorm(epsilon: Double(epsilon)).gradients(inputs[0], gain: inputs[1], adjoint: inputs[2])

        case .attention(let attention):
            return [attention.attend(inputs, shape: shape)]
        case .attentionGradient(let attention):
            return attention.gradients(inputs)

        case .relu:
            return [inputs[0].map { max($0, 0) }]
        case .reluGradient:
            return [.combine(inputs, shape) { output, adjoint in output > 0 ? adjoint : 0 }]
        case .convolution2D(let geometry):
            let bias = inputs.count == 3 ? inputs[2] : nil
            return [geometry.convolve(inputs[0], weight: inputs[1], bias: bias, shape: shape)]
        case .convolution2DInputGradient(let geometry, _, _):
            return [geometry.inputGradient(inputs[0], weight: inputs[1], shape: shape)]
        case .convolution2DWeightGradient(let geometry):
            return [geometry.weightGradient(inputs[0], adjoint: inputs[1], shape: shape)]
        case .maxPooling2D(let geometry):
            return [geometry.maxPool(inputs[0], shape: shape)]
        case .maxPooling2DGradient(let geometry):
            return [geometry.maxPoolGradient(inputs[0], adjoint: inputs[1])]
        case .spatialSoftmax:
            return [SpatialSoftmax.apply(inputs[0])]
        case .spatialSoftmaxGradient:
            return [SpatialSoftmax.gradient(inputs[0], adjoint: inputs[1])]

        case .sinusoidalEmbedding(let dimension):
            return [Embedding.sinusoidal(of: inputs[0], dimension: dimension)]
        case .indexSelect:
            return [Embedding.rows(at: inputs[1], in: inputs[0])]

        case .meanSquaredError:
            let squares = zip(inputs[0].values, inputs[1].values).map { ($0 - $1) * ($0 - $1) }
            return [HostTensor([], [squares.reduce(0, +) / Double(squares.count)])]
        case .meanSquaredErrorGradient:
            let factor = 2 * inputs[2].values[0] / Double(inputs[0].values.count)
            return [.combine(Array(inputs[..<2]), shape) { factor * ($0 - $1) }]
        }
    }
}
