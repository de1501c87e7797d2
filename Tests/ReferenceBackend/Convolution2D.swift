import DPGraph

/// Convolutions over images `[batch, height, width, in]` with weights `[out, in, kernel height, kernel width]`.
///
/// Images are far larger than sequences, so the loops access memory without checks and with neighboring elements
/// innermost: weights are transposed to `[tap, in, out]`.
extension Convolution2D {
    private typealias Source = UnsafeBufferPointer<Double>
    private typealias Target = UnsafeMutableBufferPointer<Double>

    /// `y[w, o] = bias[o] + Σ x[p, i] W[o, i, k]` over inputs i and the pixels p and taps k of window w.
    func convolve(_ x: HostTensor, weight: HostTensor, bias: HostTensor?, shape: Shape) -> HostTensor {
        var result = bias?.broadcast(to: shape) ?? HostTensor(zeros: shape)
        let (outputs, inputs) = (shape.last, x.shape.last)
        Self.access(x, Self.tapsFirst(weight), &result) { x, weight, y in
            forEachTap(image: x.shape, windows: shape) { pixel, window, tap in
                for input in 0..<inputs {
                    let factor = x.values[pixel * inputs + input]
                    let row = (tap * inputs + input) * outputs
                    for output in 0..<outputs { y[window * outputs + output] += factor * weight.values[row + output] }
                }
            }
        }
        return result
    }

    /// `Σ adjoint[w, o] W[o, i, k]` over outputs o and the windows w and taps k that reach a pixel.
    func inputGradient(_ adjoint: HostTensor, weight: HostTensor, shape: Shape) -> HostTensor {
        var result = HostTensor(zeros: shape)
        let (outputs, inputs) = (adjoint.shape.last, shape.last)
        Self.access(adjoint, Self.tapsFirst(weight), &result) { adjoint, weight, x in
            forEachTap(image: shape, windows: adjoint.shape) { pixel, window, tap in
                for input in 0..<inputs {
                    let row = (tap * inputs + input) * outputs
                    var sum = 0.0
                    for output in 0..<outputs {
                        sum += adjoint.values[window * outputs + output] * weight.values[row + output]
                    }
                    x[pixel * inputs + input] += sum
                }
            }
        }
        return result
    }

    /// `Σ x[p, i] adjoint[w, o]` over the pixels p and windows w that a tap connects:
    /// `[out, in, kernel height, kernel width]`.
    func weightGradient(_ x: HostTensor, adjoint: HostTensor, shape: Shape) -> HostTensor {
        let (outputs, inputs) = (shape[0], shape[1])
        var result = HostTensor(zeros: [shape[2] * shape[3], inputs, outputs])
        Self.access(x, adjoint, &result) { x, adjoint, weight in
            forEachTap(image: x.shape, windows: adjoint.shape) { pixel, window, tap in
                for input in 0..<inputs {
                    let factor = x.values[pixel * inputs + input]
                    let row = (tap * inputs + input) * outputs
                    for output in 0..<outputs {
                        weight[row + output] += factor * adjoint.values[window * outputs + output]
                    }
                }
            }
        }
        var weight = HostTensor(zeros: shape)
        let taps = shape[2] * shape[3]
        for index in weight.values.indices {
            let (channel, tap) = (index / taps, index % taps)
            weight.values[index] = result[tap, channel % inputs, channel / inputs]
        }
        return weight
    }

    /// Returns a weight `[out, in, kernel height, kernel width]` as `[tap, in, out]`.
    private static func tapsFirst(_ weight: HostTensor) -> HostTensor {
        let (outputs, inputs, taps) = (weight.shape[0], weight.shape[1], weight.shape[2] * weight.shape[3])
        var result = HostTensor(zeros: [taps, inputs, outputs])
        for index in weight.values.indices {
            let (channel, tap) = (index / taps, index % taps)
            result[tap, channel % inputs, channel / inputs] = weight.values[index]
        }
        return result
    }

    private static func access(
        _ left: HostTensor, _ right: HostTensor, _ result: inout HostTensor,
        _ body: (_ left: (shape: Shape, values: Source), _ right: (shape: Shape, values: Source), _ result: Target) ->
            Void
    ) {
        left.values.withUnsafeBufferPointer { leftValues in
            right.values.withUnsafeBufferPointer { rightValues in
                result.values.withUnsafeMutableBufferPointer { values in
                    body((left.shape, leftValues), (right.shape, rightValues), values)
                }
            }
        }
    }
}
