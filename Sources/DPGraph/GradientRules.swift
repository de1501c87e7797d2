extension TensorOperation {
    /// Returns rules that compute the gradient of the loss with respect to each input from its gradient with respect to
    /// the output, the adjoint.
    ///
    /// Only the required rules are called.
    func gradientRules(inputs: [Tensor], output: Tensor, adjoint: Tensor) -> [() -> Tensor] {
        let builder = adjoint.builder
        func apply(_ operation: TensorOperation, _ tensors: Tensor...) -> [Tensor] { builder.apply(operation, tensors) }
        func notDifferentiable() -> Tensor { preconditionFailure("\(self) has no gradient") }
        /// Returns the gradient of a bias that was added along the innermost axis.
        func biasGradient() -> Tensor { adjoint.sum(to: [adjoint.shape.last]) }

        switch self {
        case .input, .parameter, .constant:
            return []

        case .reshape:
            return [{ adjoint.reshaped(to: inputs[0].shape) }]
        case .concatenate(let axis):
            var start = 0
            return inputs.map { input in
                let range = start..<start + input.shape[axis]
                start = range.upperBound
                return { adjoint.slice(axis: axis, range) }
            }
        case .slice(let axis, let range):
            return [{ adjoint.padded(axis: axis, start: range.lowerBound, length: inputs[0].shape[axis]) }]
        case .pad(let axis, let start, _):
            return [{ adjoint.slice(axis: axis, start..<start + inputs[0].shape[axis]) }]
        case .broadcast:
            return [{ adjoint.sum(to: inputs[0].shape) }]
        case .sum:
            return [{ adjoint.broadcast(to: inputs[0].shape) }]

        case .add:
            return [{ adjoint.sum(to: inputs[0].shape) }, { adjoint.sum(to: inputs[1].shape) }]
        case .subtract:
            return [{ adjoint.sum(to: inputs[0].shape) }, { (-1 * adjoint).sum(to: inputs[1].shape) }]
        case .multiply:
            return [
                { (adjoint * inputs[1]).sum(to: inputs[0].shape) }, { (adjoint * inputs[0]).sum(to: inputs[1].shape) },
            ]
        case .scale(let factor):
            return [{ factor * adjoint }]
        case .mish:
            return [{ apply(.mishGradient, inputs[0], adjoint)[0] }]
        case .cast:
            return [{ adjoint.cast(to: inputs[0].type.precision) }]
        case .gelu:
            return [{ apply(.geluGradient, inputs[0], adjoint)[0] }]
        case .dropout(let mask):
            return [{ adjoint.dropout(mask, key: inputs[1]) }, notDifferentiable]

        case .linear:
            return [
                { apply(.linearInputGradient, adjoint, inputs[1])[0] },
                { apply(.linearWeightGradient, inputs[0], adjoint)[0] },
                biasGradient,
            ]
        case .convolution1D(let geometry):
            return [
                { adjoint.transposedConvolution1D(inputs[1], geometry, length: inputs[0].shape[1]) },
                { apply(.convolution1DWeightGradient(geometry), inputs[0], adjoint)[0] },
                biasGradient,
            ]
        case .transposedConvolution1D(let geometry, _):
            // Input and output trade roles in the transpose: its output is the convolution's input.
            return [
                { adjoint.convolution1D(inputs[1], geometry) },
                { apply(.convolution1DWeightGradient(geometry), adjoint, inputs[0])[0] },
                biasGradient,
            ]

        case .groupNorm(let groups, let epsilon):
            func results() -> [Tensor] {
                apply(.groupNormGradient(groups: groups, epsilon: epsilon), inputs[0], inputs[1], adjoint)
            }
            return [{ results()[0] }, { results()[1] }, { results()[2] }]
        case .film:
            func results() -> [Tensor] { apply(.filmGradient, inputs[0], inputs[1], adjoint) }
            return [{ results()[0] }, { results()[1] }, { results()[2] }]

        case .layerNorm(let epsilon):
            func results() -> [Tensor] { apply(.layerNormGradient(epsilon: epsilon), inputs[0], inputs[1], adjoint) }
            return [{ results()[0] }, { results()[1] }, { results()[2] }]

        case .attention(let attention):
            let projections = attention.operands(inputs).projections.count
            return inputs.indices.map { index in
                guard index < projections else { return notDifferentiable }
                return { builder.apply(.attentionGradient(attention), inputs + [adjoint])[index] }
            }

        case .relu:
            return [{ apply(.reluGradient, output, adjoint)[0] }]
        case .convolution2D(let geometry):
            let (height, width) = (inputs[0].shape[1], inputs[0].shape[2])
            return [
                { apply(.convolution2DInputGradient(geometry, height: height, width: width), adjoint, inputs[1])[0] },
                { apply(.convolution2DWeightGradient(geometry), inputs[0], adjoint)[0] },
                biasGradient,
            ]
        case .maxPooling2D(let geometry):
            return [{ apply(.maxPooling2DGradient(geometry), inputs[0], adjoint)[0] }]
        case .spatialSoftmax:
            return [{ apply(.spatialSoftmaxGradient, inputs[0], adjoint)[0] }]

        case .meanSquaredError:
            return [
                { apply(.meanSquaredErrorGradient, inputs[0], inputs[1], adjoint)[0] },
                { apply(.meanSquaredErrorGradient, inputs[1], inputs[0], adjoint)[0] },
            ]

        case .clamp, .mishGradient, .linearInputGradient, .linearWeightGradient, .convolution1DWeightGradient,
            .groupNormGradient, .filmGradient, .reluGradient, .convolution2DInputGradient, .convolution2DWeightGradient,
            .maxPooling2DGradient, .spatialSoftmaxGradient, .sinusoidalEmbedding, .indexSelect,
            .meanSquaredErrorGradient,
            .geluGradient, .layerNormGradient, .attentionGradient:
            return inputs.map { _ in notDifferentiable }
        }
    }
}
