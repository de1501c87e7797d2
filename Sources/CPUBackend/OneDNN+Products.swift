internal import COneDNN
internal import TensorGraph

extension OneDNN {
    /// The shapes of a linear layer or of a convolution over time or an image.
    struct Product: Hashable {
        private var source, weights, destination: [Int]
        /// The windows of a convolution along each axis; none for a linear layer.
        private var geometry: [Convolution1D] = []

        /// A linear layer from `[rows, inputs]` to `[rows, outputs]`.
        init(rows: Int, inputs: Int, outputs: Int) {
            (source, weights, destination) = ([rows, inputs], [outputs, inputs], [rows, outputs])
        }

        /// A convolution from `[batch, time, inputs]` to `[batch, windows, outputs]`.
        init(_ geometry: Convolution1D, from x: Shape, to y: Shape) {
            source = [x[0], x[2], x[1]]
            weights = [y[2], x[2], geometry.kernel]
            destination = [y[0], y[2], y[1]]
            self.geometry = [geometry]
        }

        /// A convolution from `[batch, height, width, inputs]` to `[batch, windows, windows, outputs]`.
        init(_ geometry: Convolution2D, from x: Shape, to y: Shape) {
            source = [x[0], x[3], x[1], x[2]]
            weights = [y[3], x[3], geometry.height.kernel, geometry.width.kernel]
            destination = [y[0], y[3], y[1], y[2]]
            self.geometry = [geometry.height, geometry.width]
        }

        /// The layouts of all tensors, without a bias an empty one; sequences and images are channels-last, though the library counts
        /// (batch, channel, time) or (batch, channel, height, width).
        fileprivate func layouts(
            source: Precision, weights: Precision, destination: Precision, hasBias: Bool
        ) -> (
            source: dnnl_memory_desc_t, weights: dnnl_memory_desc_t, bias: dnnl_memory_desc_t,
            destination: dnnl_memory_desc_t
        ) {
            func activations(_ dimensions: [Int], _ precision: Precision) -> Layout {
                dimensions.count == 2
                    ? Layout(rowMajor: dimensions, precision) : Layout(channelsLast: dimensions, precision)
            }
            return (
                activations(self.source, source).descriptor, Layout(any: self.weights, weights).descriptor,
                hasBias ? Layout(rowMajor: [self.destination[1]]).descriptor : dnnl_memory_desc_t(),
                activations(self.destination, destination).descriptor
            )
        }

        /// Strides and zeros before and after each axis of a convolution.
        fileprivate var windows: (strides: [Int64], before: [Int64], after: [Int64])? {
            guard !geometry.isEmpty else { return nil }
            let after = geometry.enumerated().map { axis, windows in
                let reach = (destination[2 + axis] - 1) * windows.stride + windows.kernel
                return Int64(reach - source[2 + axis] - windows.padding)
            }
            return (geometry.map { Int64($0.stride) }, geometry.map { Int64($0.padding) }, after)
        }
    }

    /// `destination = source · weights + bias`, rounded to a precision.
    func forward(_ product: Product, hasBias: Bool, operands: Precision, result: Precision) -> Description {
        var (source, weights, bias, destination) = product.layouts(
            source: operands, weights: operands, destination: result, hasBias: hasBias)
        if let windows = product.windows {
            var operation = dnnl_convolution_desc_t()
            check(
                dnnl_convolution_forward_desc_init(
                    &operation, dnnl_forward_training, dnnl_convolution_direct, &source, &weights, &bias,
                    &destination, windows.strides, windows.before, windows.after), "\(product)")
            return description(&operation, "\(product)")
        }
        var operation = dnnl_inner_product_desc_t()
        check(
            dnnl_inner_product_forward_desc_init(
                &operation, dnnl_forward_training, &source, &weights, &bias, &destination), "\(product)")
        return description(&operation, "\(product)")
    }

    /// The gradient of the source, rounded to a precision.
    func sourceGradient(_ product: Product, operands: Precision, result: Precision) -> Description {
        var (source, weights, _, destination) = product.layouts(
            source: result, weights: operands, destination: operands, hasBias: false)
        let hint = forward(product, hasBias: false, operands: operands, result: operands)
        if let windows = product.windows {
            var operation = dnnl_convolution_desc_t()
            check(
                dnnl_convolution_backward_data_desc_init(
                    &operation, dnnl_convolution_direct, &source, &weights, &destination, windows.strides,
                    windows.before, windows.after), "source gradient of \(product)")
            return description(&operation, "source gradient of \(product)", hint: hint)
        }
        var operation = dnnl_inner_product_desc_t()
        check(
            dnnl_inner_product_backward_data_desc_init(&operation, &source, &weights, &destination),
            "source gradient of \(product)")
        return description(&operation, "source gradient of \(product)", hint: hint)
    }

    /// The gradients of the weights and, if wanted, bias, in float32.
    func weightGradient(_ product: Product, hasBias: Bool, operands: Precision) -> Description {
        var (source, weights, bias, destination) = product.layouts(
            source: operands, weights: .float32, destination: operands, hasBias: hasBias)
        let hint = forward(product, hasBias: hasBias, operands: operands, result: operands)
        if let windows = product.windows {
            var operation = dnnl_convolution_desc_t()
            check(
                dnnl_convolution_backward_weights_desc_init(
                    &operation, dnnl_convolution_direct, &source, &weights, &bias, &destination,
                    windows.strides, windows.before, windows.after), "weight gradient of \(product)")
            return description(&operation, "weight gradient of \(product)", hint: hint)
        }
        var operation = dnnl_inner_product_desc_t()
        check(
            dnnl_inner_product_backward_weights_desc_init(
                &operation, &source, &weights, &bias, &destination), "weight gradient of \(product)")
        return description(&operation, "weight gradient of \(product)", hint: hint)
    }
}
