internal import CDPOneDNN
internal import DPGraph

extension OneDNN {
    /// The shapes of a linear layer or of a convolution over time or an image.
    struct Product: Hashable {
        private var source, weights, destination: [Int]
        /// The windows of a convolution along each axis; none for a linear layer.
        private var geometry: [Convolution1D] = []

        /// Creates a linear layer from `[rows, inputs]` to `[rows, outputs]`.
        init(rows: Int, inputs: Int, outputs: Int) {
            (source, weights, destination) = ([rows, inputs], [outputs, inputs], [rows, outputs])
        }

        /// Creates a convolution from `[batch, time, inputs]` to `[batch, windows, outputs]`.
        init(_ geometry: Convolution1D, from x: Shape, to y: Shape) {
            source = [x[0], x[2], x[1]]
            weights = [y[2], x[2], geometry.kernel]
            destination = [y[0], y[2], y[1]]
            self.geometry = [geometry]
        }

        /// Creates a convolution from `[batch, height, width, inputs]` to `[batch, windows, windows, outputs]`.
        init(_ geometry: Convolution2D, from x: Shape, to y: Shape) {
            source = [x[0], x[3], x[1], x[2]]
            weights = [y[3], x[3], geometry.height.kernel, geometry.width.kernel]
            destination = [y[0], y[3], y[1], y[2]]
            self.geometry = [geometry.height, geometry.width]
        }

        /// Returns the layouts of all tensors.
        ///
        /// Sequences and images are channels-last, although the library's dimensions are (batch, channel, time) or
        /// (batch, channel, height, width).
        fileprivate func layouts(
            source: Precision, weights: Precision, destination: Precision, hasBias: Bool = false
        ) -> Layouts {
            func activations(_ dimensions: [Int], _ precision: Precision) -> Layout {
                dimensions.count == 2
                    ? Layout(rowMajor: dimensions, precision) : Layout(channelsLast: dimensions, precision)
            }
            return Layouts(
                source: activations(self.source, source), weights: Layout(any: self.weights, weights),
                bias: hasBias ? Layout(rowMajor: [self.destination[1]]) : nil,
                destination: activations(self.destination, destination))
        }

        /// Strides, dilations, and zeros before and after each axis of a convolution.
        fileprivate var windows: (strides: [Int64], dilations: [Int64], before: [Int64], after: [Int64])? {
            guard !geometry.isEmpty else { return nil }
            let after = geometry.enumerated().map { axis, windows in
                let reach = (destination[2 + axis] - 1) * windows.stride + windows.kernel
                return Int64(reach - source[2 + axis] - windows.padding)
            }
            return (
                geometry.map { Int64($0.stride) }, geometry.map { _ in 0 }, geometry.map { Int64($0.padding) }, after
            )
        }

        /// Whether strided windows of one pixel have a number of channels for which oneDNN's weight gradient is
        /// wrong.
        ///
        /// Versions 2.6.3, 3.7.2 and 3.12.1 gather the channels of such windows in blocks of 8 with AVX2 and of 16
        /// with AVX-512, even if there are fewer, into memory for the actual channels only. Threads then overwrite
        /// the channels that other threads have gathered, the sums, the barrier at which they wait for each other,
        /// and the memory after it.
        fileprivate var gathersIncompleteBlocks: Bool {
            geometry.contains { $0.stride > 1 } && geometry.allSatisfy { $0.kernel == 1 } && source[1] % 16 != 0
        }
    }

    /// The layouts of a product's tensors.
    fileprivate struct Layouts {
        let source, weights: Layout
        let bias: Layout?
        let destination: Layout
    }

    /// Describes `destination = source · weights + bias`, rounded to a precision.
    func forward(_ product: Product, hasBias: Bool, operands: Precision, result: Precision) -> Description {
        let layouts = product.layouts(source: operands, weights: operands, destination: result, hasBias: hasBias)
        return withExtendedLifetime(layouts) {
            description("\(product)") { made, engine, attributes in
                guard let windows = product.windows else {
                    return dnnl_inner_product_forward_primitive_desc_create(
                        made, engine, dnnl_forward_training, layouts.source.descriptor, layouts.weights.descriptor,
                        layouts.bias?.descriptor, layouts.destination.descriptor, attributes)
                }
                return dnnl_convolution_forward_primitive_desc_create(
                    made, engine, dnnl_forward_training, dnnl_convolution_direct, layouts.source.descriptor,
                    layouts.weights.descriptor, layouts.bias?.descriptor, layouts.destination.descriptor,
                    windows.strides, windows.dilations, windows.before, windows.after, attributes)
            }
        }
    }

    /// Describes the gradient of the source, rounded to a precision.
    func sourceGradient(_ product: Product, operands: Precision, result: Precision) -> Description {
        let layouts = product.layouts(source: result, weights: operands, destination: operands)
        let hint = forward(product, hasBias: false, operands: operands, result: operands)
        return withExtendedLifetime((layouts, hint)) {
            description("source gradient of \(product)") { made, engine, attributes in
                guard let windows = product.windows else {
                    return dnnl_inner_product_backward_data_primitive_desc_create(
                        made, engine, layouts.source.descriptor, layouts.weights.descriptor,
                        layouts.destination.descriptor, hint.handle, attributes)
                }
                return dnnl_convolution_backward_data_primitive_desc_create(
                    made, engine, dnnl_convolution_direct, layouts.source.descriptor, layouts.weights.descriptor,
                    layouts.destination.descriptor, windows.strides, windows.dilations, windows.before,
                    windows.after, hint.handle, attributes)
            }
        }
    }

    /// Describes the gradients of the weights and, if requested, of the bias, in float32.
    func weightGradient(_ product: Product, hasBias: Bool, operands: Precision) -> Description {
        let layouts = product.layouts(source: operands, weights: .float32, destination: operands, hasBias: hasBias)
        let hint = forward(product, hasBias: hasBias, operands: operands, result: operands)
        return withExtendedLifetime((layouts, hint)) {
            description("weight gradient of \(product)") { made, engine, attributes in
                guard let windows = product.windows else {
                    return dnnl_inner_product_backward_weights_primitive_desc_create(
                        made, engine, layouts.source.descriptor, layouts.weights.descriptor,
                        layouts.bias?.descriptor, layouts.destination.descriptor, hint.handle, attributes)
                }
                let status = dnnl_convolution_backward_weights_primitive_desc_create(
                    made, engine, dnnl_convolution_direct, layouts.source.descriptor, layouts.weights.descriptor,
                    layouts.bias?.descriptor, layouts.destination.descriptor, windows.strides, windows.dilations,
                    windows.before, windows.after, hint.handle, attributes)
                guard status == dnnl_success, product.gathersIncompleteBlocks else { return status }
                return onednn_avoid(made, hint.handle, "jit_1x1:")
            }
        }
    }
}
