extension TensorOperation {
    /// Returns the types of the results for inputs of the given types.
    ///
    /// Products take operands in float32 or in bfloat16 and return float32. Movement and casts take any precision.
    /// All other operations compute in float32.
    /// - Precondition: the inputs fit the operation; the message states the expected and the found inputs.
    func resultTypes(of inputs: [TensorType]) -> [TensorType] {
        func expect(_ condition: Bool, _ rule: @autoclosure () -> String) {
            precondition(condition, "\(self): expected \(rule()), found \(inputs)")
        }
        func shape(_ index: Int) -> Shape { inputs[index].shape }
        /// Movement keeps the precision; everything else returns float32.
        func result(_ shape: Shape) -> [TensorType] { [TensorType(shape, isMovement ? inputs[0].precision : .float32)] }

        switch self {
        case .cast: break
        case _ where isMovement:
            expect(inputs.allSatisfy { $0.precision == inputs[0].precision }, "inputs of one precision")
        case _ where isProduct:
            expect(inputs[0].precision == inputs[1].precision, "operands of one precision")
            expect(inputs.dropFirst(2).allSatisfy { $0.precision == .float32 }, "a bias in float32")
        default: expect(inputs.allSatisfy { $0.precision == .float32 }, "inputs in float32")
        }

        switch self {
        case .input(_, let shape, _), .parameter(_, let shape):
            return [TensorType(shape)]
        case .constant(let values, let shape):
            expect(values.count == shape.count, "\(shape.count) values")
            return [TensorType(shape)]

        case .reshape(let target):
            expect(target.count == shape(0).count, "as many elements as \(target)")
            return result(target)
        case .concatenate(let axis):
            expect(
                !inputs.isEmpty
                    && inputs.allSatisfy {
                        $0.shape.replacing(axis: axis, with: 1) == shape(0).replacing(axis: axis, with: 1)
                    },
                "equal shapes but for axis \(axis)")
            return result(shape(0).replacing(axis: axis, with: inputs.reduce(0) { $0 + $1.shape[axis] }))
        case .slice(let axis, let range):
            expect(
                range.lowerBound >= 0 && !range.isEmpty && range.upperBound <= shape(0)[axis],
                "\(range) inside axis \(axis)")
            return result(shape(0).replacing(axis: axis, with: range.count))
        case .pad(let axis, let start, let length):
            expect(start >= 0 && start + shape(0)[axis] <= length, "axis \(axis) to fit into \(length) from \(start)")
            return result(shape(0).replacing(axis: axis, with: length))
        case .broadcast(let target):
            expect(shape(0).broadcast(with: target) == target, "a shape that broadcasts to \(target)")
            return result(target)
        case .sum(let target):
            expect(target.broadcast(with: shape(0)) == shape(0), "a shape that \(target) broadcasts to")
            return result(target)

        case .add, .subtract, .multiply:
            guard let common = shape(0).broadcast(with: shape(1)) else {
                preconditionFailure("\(self): expected shapes that broadcast, found \(inputs)")
            }
            return result(common)
        case .scale, .clamp, .mish:
            return result(shape(0))
        case .mishGradient:
            expect(shape(0) == shape(1), "equal shapes")
            return result(shape(0))
        case .cast(let precision):
            return [TensorType(shape(0), precision)]
        case .gelu:
            return result(shape(0))
        case .geluGradient:
            expect(shape(0) == shape(1), "equal shapes")
            return result(shape(0))
        case .dropout:
            expect(shape(1) == DropoutMask.keyShape, "a key \(DropoutMask.keyShape)")
            return result(shape(0))

        case .linear:
            expect(shape(1).rank == 2 && shape(0).last == shape(1)[1], "x […, in] and weight [out, in]")
            if inputs.count == 3 { expect(shape(2) == [shape(1)[0]], "bias [out]") }
            return result(shape(0).replacing(axis: shape(0).rank - 1, with: shape(1)[0]))
        case .linearInputGradient:
            expect(shape(1).rank == 2 && shape(0).last == shape(1)[0], "gradient […, out] and weight [out, in]")
            return result(shape(0).replacing(axis: shape(0).rank - 1, with: shape(1)[1]))
        case .linearWeightGradient:
            expect(
                shape(0).count / shape(0).last == shape(1).count / shape(1).last, "x […, in] and gradient […, out]")
            return [TensorType([shape(1).last, shape(0).last])]

        case .convolution1D(let geometry):
            expect(
                shape(0).rank == 3 && shape(1).rank == 3 && shape(1)[1] == shape(0)[2] && shape(1)[2] == geometry.kernel
                    && geometry.outputLength(of: shape(0)[1]) > 0,
                "x [batch, time, in] and weight [out, in, kernel]")
            if inputs.count == 3 { expect(shape(2) == [shape(1)[0]], "bias [out]") }
            return result([shape(0)[0], geometry.outputLength(of: shape(0)[1]), shape(1)[0]])
        case .transposedConvolution1D(let geometry, let length):
            expect(
                shape(0).rank == 3 && shape(1).rank == 3 && shape(1)[0] == shape(0)[2] && shape(1)[2] == geometry.kernel
                    && geometry.outputLength(of: length) == shape(0)[1],
                "x [batch, time, in] and weight [in, out, kernel]")
            if inputs.count == 3 { expect(shape(2) == [shape(1)[1]], "bias [out]") }
            return result([shape(0)[0], length, shape(1)[1]])
        case .convolution1DWeightGradient(let geometry):
            expect(
                shape(0).rank == 3 && shape(1).rank == 3 && shape(0)[0] == shape(1)[0]
                    && geometry.outputLength(of: shape(0)[1]) == shape(1)[1],
                "x [batch, time, in] and gradient [batch, windows, out]")
            return [TensorType([shape(1)[2], shape(0)[2], geometry.kernel])]

        case .groupNorm(let groups, _):
            expect(
                shape(0).rank == 3 && shape(0)[2] % groups == 0 && shape(1) == [shape(0)[2]]
                    && shape(2) == [shape(0)[2]],
                "x [batch, time, channel], channels divisible by \(groups), gain and bias [channel]")
            return result(shape(0))
        case .groupNormGradient(let groups, _):
            expect(
                shape(0).rank == 3 && shape(0)[2] % groups == 0 && shape(1) == [shape(0)[2]] && shape(2) == shape(0),
                "x and gradient [batch, time, channel], channels divisible by \(groups), gain [channel]")
            return [inputs[0], TensorType([shape(0)[2]]), TensorType([shape(0)[2]])]
        case .film:
            let expected: Shape = [shape(0)[0], shape(0)[2]]
            expect(
                shape(0).rank == 3 && shape(1) == expected && shape(2) == expected, "scale and bias [batch, channel]")
            return result(shape(0))
        case .filmGradient:
            let expected: Shape = [shape(0)[0], shape(0)[2]]
            expect(shape(0).rank == 3 && shape(1) == expected && shape(2) == shape(0), "scale [batch, channel]")
            return [inputs[0], inputs[1], inputs[1]]
        case .layerNorm:
            let channels: Shape = [shape(0).last]
            expect(shape(0).rank > 0 && shape(1) == channels && shape(2) == channels, "gain and bias [channel]")
            return result(shape(0))
        case .layerNormGradient:
            let channels: Shape = [shape(0).last]
            expect(
                shape(0).rank > 0 && shape(1) == channels && shape(2) == shape(0),
                "gain [channel] and gradient of x's shape")
            return [inputs[0], TensorType(channels), TensorType(channels)]

        case .attention(let attention), .attentionGradient(let attention):
            let isGradient = if case .attentionGradient = self { true } else { false }
            let operands = attention.operands(inputs, isGradient: isGradient)
            guard let extents = attention.extents(of: operands.projections.map(\.shape)) else {
                preconditionFailure(
                    "\(self): expected [batch, time, 3 · width] or [batch, queries, width] and [batch, keys, 2 · width], found \(inputs)"
                )
            }
            let output: Shape = [extents.batch, extents.queries, extents.width]
            expect(
                operands.dropoutKey.map { $0.shape == DropoutMask.keyShape } ?? true, "a key \(DropoutMask.keyShape)")
            expect(operands.adjoint.map { $0.shape == output } ?? true, "a gradient \(output)")
            return isGradient ? operands.projections.map { TensorType($0.shape) } : [TensorType(output)]

        case .relu, .reluGradient, .convolution2D, .convolution2DInputGradient, .convolution2DWeightGradient,
            .maxPooling2D, .maxPooling2DGradient, .spatialSoftmax, .spatialSoftmaxGradient:
            return imageResultTypes(of: inputs)

        case .sinusoidalEmbedding(let dimension):
            expect(shape(0).rank == 1 && dimension >= 4 && dimension % 2 == 0, "[batch] and an even dimension from 4")
            return result([shape(0)[0], dimension])
        case .indexSelect:
            expect(shape(0).rank == 2 && shape(1).rank == 1, "table [rows, columns] and indices [batch]")
            return result([shape(1)[0], shape(0)[1]])

        case .meanSquaredError:
            expect(shape(0) == shape(1), "equal shapes")
            return [TensorType([])]
        case .meanSquaredErrorGradient:
            expect(shape(0) == shape(1) && shape(2) == [], "equal shapes and a scalar")
            return result(shape(0))
        }
    }
}
