internal import COneDNN

extension OneDNN {
    /// The shapes of a linear layer from `[rows, inputs]` to `[rows, outputs]`.
    struct LinearShape: Hashable {
        var rows, inputs, outputs: Int

        fileprivate var source: Layout { Layout(rowMajor: [rows, inputs]) }
        fileprivate var destination: Layout { Layout(rowMajor: [rows, outputs]) }
        fileprivate var weights: Layout { Layout(any: [outputs, inputs]) }
        fileprivate var bias: Layout { Layout(rowMajor: [outputs]) }
    }

    /// `destination = source · weightsᵀ + bias`.
    func linear(_ shape: LinearShape, hasBias: Bool) -> Description {
        var operation = dnnl_inner_product_desc_t()
        var (source, weights, bias, destination) = (
            shape.source.descriptor, shape.weights.descriptor, shape.bias.descriptor, shape.destination.descriptor
        )
        withOptionalPointer(&bias, hasBias) { bias in
            check(
                dnnl_inner_product_forward_desc_init(
                    &operation, dnnl_forward_training, &source, &weights, bias, &destination), "linear \(shape)")
        }
        return description(&operation, "linear \(shape)")
    }

    /// The gradient of a linear layer's source.
    func linearSourceGradient(_ shape: LinearShape) -> Description {
        var operation = dnnl_inner_product_desc_t()
        var (source, weights, destination) = (
            shape.source.descriptor, shape.weights.descriptor, shape.destination.descriptor
        )
        check(
            dnnl_inner_product_backward_data_desc_init(&operation, &source, &weights, &destination),
            "gradient of linear \(shape)")
        return description(&operation, "gradient of linear \(shape)", hint: linear(shape, hasBias: false))
    }

    /// The gradients of a linear layer's weights and, if wanted, bias.
    func linearWeightGradient(_ shape: LinearShape, hasBias: Bool) -> Description {
        var operation = dnnl_inner_product_desc_t()
        var (source, weights, bias, destination) = (
            shape.source.descriptor, shape.weights.descriptor, shape.bias.descriptor, shape.destination.descriptor
        )
        withOptionalPointer(&bias, hasBias) { bias in
            check(
                dnnl_inner_product_backward_weights_desc_init(&operation, &source, &weights, bias, &destination),
                "weight gradient of linear \(shape)")
        }
        return description(
            &operation, "weight gradient of linear \(shape)", hint: linear(shape, hasBias: hasBias))
    }
}
