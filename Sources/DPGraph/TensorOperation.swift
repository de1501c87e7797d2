/// The operation of a node of the graph, at the level of a network's layers.
///
/// Tensors of sequences are `[batch, time, channel]` and those of images `[batch, height, width, channel]`. This
/// order is part of an operation's meaning, while each backend chooses the layout in memory. Weights have PyTorch's
/// shapes. Every `switch` over the cases is exhaustive, so a new operation does not compile until its shape rule,
/// its gradient and its kernels exist.
package enum TensorOperation: Hashable, Sendable {
    // MARK: Sources

    /// An input that is set before a run.
    case input(name: String, shape: Shape, rate: Rate)
    /// A range of the flat vector of parameters, by its index in the `ParameterTable`.
    case parameter(index: Int, shape: Shape)
    /// Numbers known when the graph is built.
    case constant(values: [Float], shape: Shape)

    // MARK: Shape

    /// The same elements in the same order with another shape.
    case reshape(to: Shape)
    /// The inputs one after another along an axis.
    case concatenate(axis: Int)
    /// A range of indices along an axis.
    case slice(axis: Int, range: Range<Int>)
    /// The input padded with zeros: it begins at `start` along an axis that becomes `length` long. This is the
    /// gradient of `slice`.
    case pad(axis: Int, start: Int, length: Int)
    /// The input repeated to a larger shape, by NumPy's broadcasting rule.
    case broadcast(to: Shape)
    /// The input summed over the axes along which `shape` would be broadcast to it: the gradient of `broadcast`.
    case sum(to: Shape)

    // MARK: Elementwise

    /// `a + b`, with broadcasting.
    case add
    /// `a − b`, with broadcasting.
    case subtract
    /// `a · b`, with broadcasting.
    case multiply
    /// `factor · x`.
    case scale(by: Float)
    /// `min(max(x, lower), upper)`.
    case clamp(lower: Float, upper: Float)
    /// `x · tanh(ln(1 + eˣ))` (Misra 2019).
    case mish
    /// The gradient of `mish` with respect to x, from (x, the output's gradient).
    case mishGradient
    /// The same numbers in another precision, rounded to nearest, ties to even.
    case cast(to: Precision)
    /// `x · Φ(x)`, where Φ is the distribution function of the standard normal distribution (Hendrycks & Gimpel
    /// 2016), without approximation.
    case gelu
    /// The gradient of `gelu` with respect to x, from (x, the output's gradient).
    case geluGradient
    /// Dropout: zero for the elements that a mask drops, from (x, the run's key `[4]`). The gradient applies the
    /// same mask to the output's gradient.
    case dropout(DropoutMask)

    // MARK: Products of operands that are both float32 or both bfloat16, with float32 results

    /// `x Wᵀ + b` over the innermost axis, from (x `[…, in]`, weight `[out, in]`, optionally bias `[out]`).
    case linear
    /// The gradient of `linear` with respect to x, from (the output's gradient, weight).
    case linearInputGradient
    /// The gradient of `linear` with respect to the weight, from (x, the output's gradient).
    case linearWeightGradient
    /// A convolution over time, from (x `[batch, time, in]`, weight `[out, in, kernel]`, optionally bias `[out]`).
    case convolution1D(Convolution1D)
    /// The transpose of `convolution1D`, from (x `[batch, time, in]`, weight `[in, out, kernel]`, optionally bias
    /// `[out]`), with output length `length`.
    ///
    /// It is PyTorch's `ConvTranspose1d` and also the gradient of a convolution with respect to its input.
    case transposedConvolution1D(Convolution1D, length: Int)
    /// The gradient of `convolution1D` with respect to its weight, from (x, the output's gradient).
    case convolution1DWeightGradient(Convolution1D)

    // MARK: Normalization and conditioning

    /// Group normalization (Wu & He 2018), from (x `[batch, time, channel]`, gain `[channel]`, bias `[channel]`).
    case groupNorm(groups: Int, epsilon: Float)
    /// The gradients of `groupNorm` with respect to x, gain and bias, from (x, gain, the output's gradient).
    case groupNormGradient(groups: Int, epsilon: Float)
    /// Feature-wise linear modulation (FiLM) `scale · x + bias` (Perez et al. 2018), from (x
    /// `[batch, time, channel]`, scale `[batch, channel]`, bias `[batch, channel]`).
    case film
    /// The gradients of `film` with respect to x, scale and bias, from (x, scale, the output's gradient).
    case filmGradient
    /// Layer normalization (Ba et al. 2016) over the innermost axis, from (x `[…, channel]`, gain `[channel]`, bias
    /// `[channel]`).
    case layerNorm(epsilon: Float)
    /// The gradients of `layerNorm` with respect to x, gain and bias, from (x, gain, the output's gradient).
    case layerNormGradient(epsilon: Float)

    // MARK: Attention

    /// Scaled dot-product attention, from the projections and, with dropout, the run's key; see `Attention`.
    case attention(Attention)
    /// The gradients of `attention` with respect to each projection, from the inputs of `attention` and the
    /// output's gradient.
    case attentionGradient(Attention)

    // MARK: Images

    /// `max(x, 0)`.
    case relu
    /// The gradient of `relu`, from (relu's output, the output's gradient): 0 where the output is 0.
    case reluGradient
    /// A convolution over an image, from (x `[batch, height, width, in]`, weight
    /// `[out, in, kernel height, kernel width]`, optionally bias `[out]`).
    case convolution2D(Convolution2D)
    /// The gradient of `convolution2D` with respect to x, from (the output's gradient, weight), of the given height
    /// and width.
    case convolution2DInputGradient(Convolution2D, height: Int, width: Int)
    /// The gradient of `convolution2D` with respect to the weight, from (x, the output's gradient).
    case convolution2DWeightGradient(Convolution2D)
    /// The largest element of each window of `[batch, height, width, channel]`, separately for each channel;
    /// padding is never the largest.
    case maxPooling2D(Convolution2D)
    /// The gradient of `maxPooling2D`, from (x, the output's gradient). If a window has several largest elements,
    /// the first one receives the gradient.
    case maxPooling2DGradient(Convolution2D)
    /// The expected position of each channel (Finn et al. 2016), from x `[batch, height, width, channel]`:
    /// `[batch, channel, 2]`.
    ///
    /// The softmax over all positions of a channel weights a grid that runs from −1 to 1 along both axes, endpoints
    /// included. The position along the width comes first, then the position along the height. An axis with a
    /// single position is at −1.
    case spatialSoftmax
    /// The gradient of `spatialSoftmax`, from (x, the output's gradient).
    case spatialSoftmaxGradient

    // MARK: Embeddings

    /// Sines and cosines of `[batch]` diffusion steps at geometrically spaced frequencies: `[batch, dimension]`,
    /// sines first.
    ///
    /// Frequency i is `10000^(−i / (dimension/2 − 1))`, as in the reference implementation's `SinusoidalPosEmb`.
    case sinusoidalEmbedding(dimension: Int)
    /// Rows of a table `[rows, columns]` by `[batch]` indices: `[batch, columns]`, from (table, indices).
    case indexSelect

    // MARK: Losses

    /// The mean of `(prediction − target)²` over all elements: a scalar.
    case meanSquaredError
    /// The gradient of `meanSquaredError` with respect to the prediction, from (prediction, target, the loss's
    /// gradient).
    case meanSquaredErrorGradient
}

/// The geometry of a convolution over time: `out = (time + 2 · padding − kernel) / stride + 1`.
package struct Convolution1D: Hashable, Sendable {
    /// Size of the window.
    package var kernel: Int
    /// Distance between neighboring windows.
    package var stride: Int
    /// Zeros before and after the sequence.
    package var padding: Int

    /// Creates a geometry.
    ///
    /// To keep the length with the default stride and an odd kernel, set `padding` to half the kernel.
    package init(kernel: Int, stride: Int = 1, padding: Int = 0) {
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    /// Returns how many windows fit into a sequence of the given length; 0 if none fits.
    package func outputLength(of length: Int) -> Int {
        length + 2 * padding < kernel ? 0 : (length + 2 * padding - kernel) / stride + 1
    }

    /// Returns the output length of the transpose for the given number of windows.
    package func transposedLength(of length: Int) -> Int { (length - 1) * stride - 2 * padding + kernel }
}

/// The geometry of a convolution over an image, or of pooling: one along each axis.
package struct Convolution2D: Hashable, Sendable {
    /// Windows along the height.
    package var height: Convolution1D
    /// Windows along the width.
    package var width: Convolution1D

    /// Creates a geometry from those of its two axes.
    package init(height: Convolution1D, width: Convolution1D) {
        self.height = height
        self.width = width
    }

    /// Creates the same geometry along both axes.
    package init(kernel: Int, stride: Int = 1, padding: Int = 0) {
        let axis = Convolution1D(kernel: kernel, stride: stride, padding: padding)
        self.init(height: axis, width: axis)
    }
}
