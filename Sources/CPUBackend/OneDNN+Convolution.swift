internal import COneDNN

extension OneDNN {
    /// The shapes of a convolution from `[batch, time, inputs]` to `[batch, windows, outputs]`.
    struct ConvolutionShape: Hashable {
        var batch, time, inputs, windows, outputs, kernel, stride, padding: Int

        fileprivate var source: Layout { Layout(sequence: (batch, time, inputs)) }
        fileprivate var destination: Layout { Layout(sequence: (batch, windows, outputs)) }
        fileprivate var weights: Layout { Layout(any: [outputs, inputs, kernel]) }
        fileprivate var bias: Layout { Layout(rowMajor: [outputs]) }
        fileprivate var strides: [Int64] { [Int64(stride)] }
        fileprivate var before: [Int64] { [Int64(padding)] }
        fileprivate var after: [Int64] { [Int64((windows - 1) * stride + kernel - time - padding)] }
    }

    /// `destination = source ∗ weights + bias`.
    func convolution(_ shape: ConvolutionShape, hasBias: Bool) -> Description {
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
    func convolutionSourceGradient(_ shape: ConvolutionShape) -> Description {
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

    /// The gradients of a convolution's weights and, if wanted, bias.
    func convolutionWeightGradient(_ shape: ConvolutionShape, hasBias: Bool) -> Description {
        var operation = dnnl_convolution_desc_t()
        var (source, weights, bias, destination) = (
            shape.source.descriptor, shape.weights.descriptor, shape.bias.descriptor, shape.destination.descriptor
        )
        withOptionalPointer(&bias, hasBias) { bias in
            check(
                dnnl_convolution_backward_weights_desc_init(
                    &operation, dnnl_convolution_direct, &source, &weights, bias, &destination, shape.strides,
                    shape.before,
                    shape.after), "weight gradient of convolution \(shape)")
        }
        return description(
            &operation, "weight gradient of convolution \(shape)", hint: convolution(shape, hasBias: hasBias))
    }
}
