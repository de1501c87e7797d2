extension TensorOperation {
    /// Returns the types of the results of an operation on images; see `resultTypes(of:)`.
    /// - Precondition: the operation is one of the section "Images".
    func imageResultTypes(of inputs: [TensorType]) -> [TensorType] {
        func expect(_ condition: Bool, _ rule: @autoclosure () -> String) {
            precondition(condition, "\(self): expected \(rule()), found \(inputs)")
        }
        func shape(_ index: Int) -> Shape { inputs[index].shape }
        func result(_ dimensions: [Int]) -> [TensorType] { [TensorType(Shape(dimensions))] }
        /// Returns whether a weight `[out, in, kernel height, kernel width]` has a geometry's kernel.
        func isWeight(_ index: Int, of geometry: Convolution2D) -> Bool {
            shape(index).rank == 4 && shape(index)[2] == geometry.height.kernel
                && shape(index)[3] == geometry.width.kernel
        }

        switch self {
        case .relu:
            return [inputs[0]]
        case .reluGradient:
            expect(shape(0) == shape(1), "equal shapes")
            return [inputs[0]]

        case .convolution2D(let geometry):
            expect(
                isWeight(1, of: geometry) && shape(0).rank == 4 && shape(1)[1] == shape(0)[3]
                    && geometry.hasWindows(in: shape(0)),
                "x [batch, height, width, in] and weight [out, in, kernel height, kernel width]")
            if inputs.count == 3 { expect(shape(2) == [shape(1)[0]], "bias [out]") }
            return result(geometry.windows(in: shape(0), channels: shape(1)[0]))
        case .convolution2DInputGradient(let geometry, let height, let width):
            expect(
                isWeight(1, of: geometry) && shape(0).rank == 4 && shape(0)[3] == shape(1)[0]
                    && shape(0)[1] == geometry.height.outputLength(of: height)
                    && shape(0)[2] == geometry.width.outputLength(of: width),
                "gradient [batch, windows, windows, out] and weight [out, in, kernel height, kernel width]")
            return result([shape(0)[0], height, width, shape(1)[1]])
        case .convolution2DWeightGradient(let geometry):
            expect(
                geometry.areWindows(shape(1), of: shape(0)),
                "x [batch, height, width, in] and gradient [batch, windows, windows, out]")
            return [TensorType([shape(1)[3], shape(0)[3], geometry.height.kernel, geometry.width.kernel])]

        case .maxPooling2D(let geometry):
            expect(
                shape(0).rank == 4 && geometry.hasWindows(in: shape(0)) && geometry.height.everyWindowContainsInput
                    && geometry.width.everyWindowContainsInput,
                "x [batch, height, width, channel] and a padding of at most half the window")
            return result(geometry.windows(in: shape(0), channels: shape(0)[3]))
        case .maxPooling2DGradient(let geometry):
            expect(
                geometry.areWindows(shape(1), of: shape(0)) && shape(0)[3] == shape(1)[3],
                "x [batch, height, width, channel] and gradient [batch, windows, windows, channel]")
            return [inputs[0]]

        case .spatialSoftmax:
            expect(shape(0).rank == 4, "x [batch, height, width, channel]")
            return result([shape(0)[0], shape(0)[3], 2])
        case .spatialSoftmaxGradient:
            expect(
                shape(0).rank == 4 && shape(1) == [shape(0)[0], shape(0)[3], 2],
                "x [batch, height, width, channel] and gradient [batch, channel, 2]")
            return [inputs[0]]

        default:
            preconditionFailure("\(self) is not an operation on images")
        }
    }
}

extension Convolution1D {
    /// Whether every window contains at least one element that is not padding.
    fileprivate var everyWindowContainsInput: Bool { padding * 2 <= kernel }
}

extension Convolution2D {
    /// Returns whether at least one window fits into an image `[batch, height, width, channel]`.
    fileprivate func hasWindows(in image: Shape) -> Bool {
        height.outputLength(of: image[1]) > 0 && width.outputLength(of: image[2]) > 0
    }

    /// Returns the extents of the windows over an image, `[batch, windows, windows, channels]`.
    fileprivate func windows(in image: Shape, channels: Int) -> [Int] {
        [image[0], height.outputLength(of: image[1]), width.outputLength(of: image[2]), channels]
    }

    /// Returns whether a tensor has an element for each window over an image.
    fileprivate func areWindows(_ windows: Shape, of image: Shape) -> Bool {
        image.rank == 4 && windows.rank == 4
            && windows.dimensions == self.windows(in: image, channels: windows[3])
    }
}
