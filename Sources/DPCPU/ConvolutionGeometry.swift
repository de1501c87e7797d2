internal import CDPKernels
internal import DPGraph

// The geometry of a product as the kernels expect it: a sequence is an image of one row, and in pointwise products
// each pixel is an item of its own.

extension ck_convolution {
    /// Creates a convolution from images `[batch, height, width, inputs]` to `[batch, windows, windows, outputs]`.
    init(_ geometry: Convolution2D, from x: Shape, to y: Shape) {
        let isPointwise = geometry == Convolution2D(kernel: 1)
        self.init(
            batch: isPointwise ? x.count / x.last : x[0], inputs: x.last, outputs: y.last,
            rows: isPointwise ? .single : ck_axis(geometry.height, extent: x[1], windows: y[1]),
            columns: isPointwise ? .single : ck_axis(geometry.width, extent: x[2], windows: y[2]))
    }

    /// Creates a convolution from sequences `[batch, time, inputs]` to `[batch, windows, outputs]`.
    init(_ geometry: Convolution1D, from x: Shape, to y: Shape) {
        self.init(
            Convolution2D(height: Convolution1D(kernel: 1), width: geometry), from: [x[0], 1, x[1], x[2]],
            to: [y[0], 1, y[1], y[2]])
    }

    /// Creates a linear layer from `[…, inputs]` to `[…, outputs]`.
    init(linearFrom x: Shape, to y: Shape) {
        self.init(
            batch: x.count / x.last, inputs: x.last, outputs: y.last, rows: .single, columns: .single)
    }
}

extension ck_axis {
    /// An axis of one position and one window.
    fileprivate static var single: ck_axis { ck_axis(extent: 1, windows: 1, kernel: 1, stride: 1, padding: 0) }

    fileprivate init(_ geometry: Convolution1D, extent: Int, windows: Int) {
        self.init(
            extent: extent, windows: windows, kernel: geometry.kernel, stride: geometry.stride,
            padding: geometry.padding)
    }
}
