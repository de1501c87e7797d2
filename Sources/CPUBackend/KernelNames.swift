internal import TensorGraph

extension FusedGroupNorm {
    /// As in `group norm + mish + film`.
    var name: String {
        var parts = ["group norm"]
        if hasMish { parts.append("mish") }
        if film != .none { parts.append("film") }
        if hasResidual { parts.append("residual") }
        return parts.joined(separator: " + ")
    }
}

extension Convolution1D {
    /// The shapes of a convolution of this geometry.
    func shape(
        batch: Int, time: Int, inputs: Int, windows: Int, outputs: Int
    ) -> OneDNN.ConvolutionShape {
        OneDNN.ConvolutionShape(
            batch: batch, time: time, inputs: inputs, windows: windows, outputs: outputs, kernel: kernel,
            stride: stride,
            padding: padding)
    }
}
