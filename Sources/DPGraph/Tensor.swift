/// A symbolic tensor: a value of a graph under construction.
package struct Tensor {
    let builder: GraphBuilder
    let value: Value
    /// Shape and precision.
    package let type: TensorType

    /// Extents along each axis.
    package var shape: Shape { type.shape }

    /// The graph under construction, where layers find their parameters.
    package var graph: GraphBuilder { builder }

    private func apply(_ operation: TensorOperation, _ others: Tensor...) -> Tensor {
        builder.apply(operation, [self] + others)[0]
    }
}

// MARK: - Shape

extension Tensor {
    /// Returns the same elements in the same order with another shape.
    package func reshaped(to shape: Shape) -> Tensor { shape == self.shape ? self : apply(.reshape(to: shape)) }

    /// Concatenates tensors along an axis.
    package static func concatenate(_ tensors: [Tensor], axis: Int) -> Tensor {
        tensors.count == 1 ? tensors[0] : tensors[0].builder.apply(.concatenate(axis: axis), tensors)[0]
    }

    /// Returns a range of indices along an axis.
    package func slice(axis: Int, _ range: Range<Int>) -> Tensor {
        range == 0..<shape[axis] ? self : apply(.slice(axis: axis, range: range))
    }

    /// Pads this tensor with zeros to `length` along an axis, so that its elements begin at `start`.
    func padded(axis: Int, start: Int, length: Int) -> Tensor {
        apply(.pad(axis: axis, start: start, length: length))
    }

    /// Repeats the tensor to a larger shape, as PyTorch's `expand`.
    package func broadcast(to shape: Shape) -> Tensor { shape == self.shape ? self : apply(.broadcast(to: shape)) }

    /// Returns the sum over the axes that broadcasting from `shape` to this tensor's shape would repeat.
    package func sum(to shape: Shape) -> Tensor { shape == self.shape ? self : apply(.sum(to: shape)) }
}

// MARK: - Elementwise

extension Tensor {
    /// Elementwise sum, with broadcasting.
    package static func + (left: Tensor, right: Tensor) -> Tensor { left.apply(.add, right) }
    /// Elementwise difference, with broadcasting.
    package static func - (left: Tensor, right: Tensor) -> Tensor { left.apply(.subtract, right) }
    /// Elementwise product, with broadcasting.
    package static func * (left: Tensor, right: Tensor) -> Tensor { left.apply(.multiply, right) }
    /// Every element times a number.
    package static func * (factor: Float, tensor: Tensor) -> Tensor { tensor.apply(.scale(by: factor)) }

    /// Clamps every element to `range`.
    package func clamped(to range: ClosedRange<Float>) -> Tensor {
        apply(.clamp(lower: range.lowerBound, upper: range.upperBound))
    }

    /// `x · tanh(ln(1 + eˣ))` (Misra 2019).
    package func mish() -> Tensor { apply(.mish) }

    /// `x · Φ(x)` with the normal distribution function Φ (Hendrycks & Gimpel 2016).
    package func gelu() -> Tensor { apply(.gelu) }

    /// Returns the same numbers in another precision.
    package func cast(to precision: Precision) -> Tensor {
        precision == type.precision ? self : apply(.cast(to: precision))
    }
}

// MARK: - Products, normalization, conditioning

extension Tensor {
    /// `x Wᵀ + b` over the innermost axis, with weight `[out, in]` and bias `[out]`.
    package func linear(_ weight: Tensor, bias: Tensor? = nil) -> Tensor {
        builder.apply(.linear, [self, weight] + (bias.map { [$0] } ?? []))[0]
    }

    /// A convolution over time of `[batch, time, in]`, with weight `[out, in, kernel]` and bias `[out]`.
    package func convolution1D(_ weight: Tensor, bias: Tensor? = nil, _ geometry: Convolution1D) -> Tensor {
        builder.apply(.convolution1D(geometry), [self, weight] + (bias.map { [$0] } ?? []))[0]
    }

    /// A transposed convolution over time of `[batch, time, in]`, with weight `[in, out, kernel]` and bias `[out]`.
    /// - Parameter length: the output length; `geometry.transposedLength(of:)` if not given.
    package func transposedConvolution1D(
        _ weight: Tensor, bias: Tensor? = nil, _ geometry: Convolution1D, length: Int? = nil
    ) -> Tensor {
        let length = length ?? geometry.transposedLength(of: shape[1])
        return builder.apply(
            .transposedConvolution1D(geometry, length: length), [self, weight] + (bias.map { [$0] } ?? []))[0]
    }

    /// Group normalization of `[batch, time, channel]`, with gain and bias `[channel]`.
    package func groupNorm(groups: Int, gain: Tensor, bias: Tensor, epsilon: Float = 1e-5) -> Tensor {
        apply(.groupNorm(groups: groups, epsilon: epsilon), gain, bias)
    }

    /// `scale · x + bias` of `[batch, time, channel]`, with scale and bias `[batch, channel]`.
    package func film(scale: Tensor, bias: Tensor) -> Tensor { apply(.film, scale, bias) }

    /// Layer normalization of `[…, channel]` over the innermost axis, with gain and bias `[channel]`.
    package func layerNorm(gain: Tensor, bias: Tensor, epsilon: Float = 1e-5) -> Tensor {
        apply(.layerNorm(epsilon: epsilon), gain, bias)
    }
}

// MARK: - Images

extension Tensor {
    /// `max(x, 0)`.
    package func relu() -> Tensor { apply(.relu) }

    /// A convolution over images `[batch, height, width, in]`, with weight `[out, in, kernel height, kernel width]`
    /// and bias `[out]`.
    package func convolution2D(_ weight: Tensor, bias: Tensor? = nil, _ geometry: Convolution2D) -> Tensor {
        builder.apply(.convolution2D(geometry), [self, weight] + (bias.map { [$0] } ?? []))[0]
    }

    /// The largest element of each window of `[batch, height, width, channel]`, separately for each channel.
    package func maxPooling2D(_ geometry: Convolution2D) -> Tensor { apply(.maxPooling2D(geometry)) }

    /// The expected position of each channel of `[batch, height, width, channel]`: x and y in −1 … 1,
    /// `[batch, channel, 2]`.
    package func spatialSoftmax() -> Tensor { apply(.spatialSoftmax) }
}

// MARK: - Embeddings and losses

extension Tensor {
    /// Sines and cosines of `[batch]` diffusion steps: `[batch, dimension]`.
    package func sinusoidalEmbedding(dimension: Int) -> Tensor { apply(.sinusoidalEmbedding(dimension: dimension)) }

    /// The rows of this table `[rows, columns]` at `[batch]` indices: `[batch, columns]`.
    package func rows(at indices: Tensor) -> Tensor { apply(.indexSelect, indices) }

    /// The mean of the squared differences to `target`: a scalar.
    package func meanSquaredError(to target: Tensor) -> Tensor { apply(.meanSquaredError, target) }
}
