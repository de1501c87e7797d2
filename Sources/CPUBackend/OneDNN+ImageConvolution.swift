internal import COneDNN
internal import TensorGraph

extension OneDNN {
    /// The shapes of a convolution from images `[batch, height, width, inputs]` to `[batch, rows, columns, outputs]`.
    struct ImageConvolutionShape: Hashable {
        var batch, inputs, outputs: Int
        var height, width, rows, columns: Int
        var geometry: Convolution2D

        fileprivate var source: Layout { Layout(image: (batch, height, width, inputs)) }
        fileprivate var destination: Layout { Layout(image: (batch, rows, columns, outputs)) }
        fileprivate var weights: Layout {
            Layout(any: [outputs, inputs, geometry.height.kernel, geometry.width.kernel])
        }
        fileprivate var bias: Layout { Layout(rowMajor: [outputs]) }
        fileprivate var strides: [Int64] { [Int64(geometry.height.stride), Int64(geometry.width.stride)] }
        fileprivate var before: [Int64] { [Int64(geometry.height.padding), Int64(geometry.width.padding)] }
        fileprivate var after: [Int64] {
            [Self.after(geometry.height, rows, height), Self.after(geometry.width, columns, width)]
        }

        /// Zeros behind the last element along an axis, as many as its windows reach.
        private static func after(_ axis: Convolution1D, _ windows: Int, _ extent: Int) -> Int64 {
            Int64((windows - 1) * axis.stride + axis.kernel - extent - axis.padding)
        }
    }

    /// `destination = source ∗ weights + bias`.
    func convolution(_ shape: ImageConvolutionShape, hasBias: Bool) -> Description {
        var operation = dnnl_convolution_desc_t()
        var (source, weights, bias, destination) = (
            shape.source.descriptor, shape.weights.descriptor, shape.bias.descriptor, shape.destination.descriptor
        )
        withOptionalPointer(&bias, hasBias) { bias in
            check(
                dnnl_convolution_forward_desc_init(
                    &operation, dnnl_forward_training, dnnl_convolution_direct, &source, &weights, bias, &destination,
                    shape.strides, shape.before, shape.after), "convolution \(shape)")
        }
        return description(&operation, "convolution \(shape)")
    }

    /// The gradient of a convolution's source.
    func convolutionSourceGradient(_ shape: ImageConvolutionShape) -> Description {
        var operation = dnnl_convolution_desc_t()
        var (source, weights, destination) = (
            shape.source.descriptor, shape.weights.descriptor, shape.destination.descriptor
        )
        check(
            dnnl_convolution_backward_data_desc_init(
                &operation, dnnl_convolution_direct, &source, &weights, &destination, shape.strides, shape.before,
                shape.after), "gradient of convolution \(shape)")
        return description(
            &operation, "gradient of convolution \(shape)", hint: convolution(shape, hasBias: false))
    }

    /// The gradient of a convolution's weights.
    func convolutionWeightGradient(_ shape: ImageConvolutionShape) -> Description {
        var operation = dnnl_convolution_desc_t()
        var (source, weights, destination) = (
            shape.source.descriptor, shape.weights.descriptor, shape.destination.descriptor
        )
        check(
            dnnl_convolution_backward_weights_desc_init(
                &operation, dnnl_convolution_direct, &source, &weights, nil, &destination, shape.strides, shape.before,
                shape.after), "weight gradient of convolution \(shape)")
        return description(
            &operation, "weight gradient of convolution \(shape)", hint: convolution(shape, hasBias: false))
    }
}

extension OneDNN.Layout {
    /// An image `[batch, height, width, channel]` as the library's (batch, channel, height, width).
    fileprivate init(image shape: (batch: Int, height: Int, width: Int, channels: Int)) {
        self.init(
            [shape.batch, shape.channels, shape.height, shape.width],
            strides: [
                shape.height * shape.width * shape.channels, 1, shape.width * shape.channels, shape.channels,
            ])
    }
}
