import DPGraph

extension Convolution1D {
    /// Calls `body` for every pair of window and kernel position that lies inside of a sequence.
    private func forEachTap(_ windows: Int, _ length: Int, _ body: (_ window: Int, _ time: Int, _ tap: Int) -> Void) {
        for window in 0..<windows {
            for tap in 0..<kernel {
                let time = window * stride + tap - padding
                if (0..<length).contains(time) { body(window, time, tap) }
            }
        }
    }

    /// `y[b, w, o] = bias[o] + Σ x[b, t, i] W[o, i, k]` over inputs i and taps k, with
    /// `t = w · stride + k − padding`.
    func convolve(_ x: HostTensor, weight: HostTensor, bias: HostTensor?, shape: Shape) -> HostTensor {
        var result = bias?.broadcast(to: shape) ?? HostTensor(zeros: shape)
        for batch in 0..<shape[0] {
            forEachTap(shape[1], x.shape[1]) { window, time, tap in
                for output in 0..<weight.shape[0] {
                    var sum = 0.0
                    for input in 0..<weight.shape[1] { sum += x[batch, time, input] * weight[output, input, tap] }
                    result[batch, window, output] += sum
                }
            }
        }
        return result
    }

    /// `y[b, t, o] = bias[o] + Σ x[b, w, i] W[i, o, k]` over inputs i and the windows w and taps k that reach t.
    func transposedConvolve(_ x: HostTensor, weight: HostTensor, bias: HostTensor?, shape: Shape) -> HostTensor {
        var result = bias?.broadcast(to: shape) ?? HostTensor(zeros: shape)
        for batch in 0..<shape[0] {
            forEachTap(x.shape[1], shape[1]) { window, time, tap in
                for output in 0..<weight.shape[1] {
                    var sum = 0.0
                    for input in 0..<weight.shape[0] { sum += x[batch, window, input] * weight[input, output, tap] }
                    result[batch, time, output] += sum
                }
            }
        }
        return result
    }

    /// `Σ x[b, t, i] adjoint[b, w, o]` over the batch and the windows: `[out, in, kernel]`.
    func weightGradient(_ x: HostTensor, adjoint: HostTensor, shape: Shape) -> HostTensor {
        var result = HostTensor(zeros: shape)
        for batch in 0..<x.shape[0] {
            forEachTap(adjoint.shape[1], x.shape[1]) { window, time, tap in
                for output in 0..<shape[0] {
                    for input in 0..<shape[1] {
                        result[output, input, tap] += x[batch, time, input] * adjoint[batch, window, output]
                    }
                }
            }
        }
        return result
    }
}
