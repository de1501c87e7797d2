import DPGraph

extension Convolution2D {
    /// Returns the largest element of each window and channel, and the index of its pixel; among equal elements the
    /// first.
    private func largest(_ x: HostTensor, windows: Shape) -> (values: HostTensor, pixels: [Int]) {
        let channels = x.shape.last
        var values = HostTensor(windows, [Double](repeating: -.infinity, count: windows.count))
        var pixels = [Int](repeating: 0, count: windows.count)
        forEachTap(image: x.shape, windows: windows) { pixel, window, _ in
            for channel in 0..<channels where x[pixel, channel] > values[window, channel] {
                values[window, channel] = x[pixel, channel]
                pixels[window * channels + channel] = pixel
            }
        }
        return (values, pixels)
    }

    /// Returns the largest element of each window, separately for each channel.
    func maxPool(_ x: HostTensor, shape: Shape) -> HostTensor { largest(x, windows: shape).values }

    /// Returns the gradient of each window at the position of its largest element.
    func maxPoolGradient(_ x: HostTensor, adjoint: HostTensor) -> HostTensor {
        var result = HostTensor(zeros: x.shape)
        let channels = x.shape.last
        for (place, pixel) in largest(x, windows: adjoint.shape).pixels.enumerated() {
            result[pixel, place % channels] += adjoint.values[place]
        }
        return result
    }
}
