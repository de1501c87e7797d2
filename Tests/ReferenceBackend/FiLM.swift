import DPGraph

/// Feature-wise linear modulation of sequences by one scale and one bias per channel.
enum FiLM {
    /// Feature-wise linear modulation: `scale[b, c] · x[b, t, c] + bias[b, c]`.
    static func apply(_ x: HostTensor, scale: HostTensor, bias: HostTensor) -> HostTensor {
        var result = HostTensor(zeros: x.shape)
        for batch in 0..<x.shape[0] {
            for time in 0..<x.shape[1] {
                for channel in 0..<x.shape[2] {
                    result[batch, time, channel] =
                        scale[batch, channel] * x[batch, time, channel] + bias[batch, channel]
                }
            }
        }
        return result
    }

    /// Returns the gradients of x, scale and bias.
    static func gradients(_ x: HostTensor, scale: HostTensor, adjoint: HostTensor) -> [HostTensor] {
        var inputs = HostTensor(zeros: x.shape)
        var scales = HostTensor(zeros: scale.shape)
        var biases = HostTensor(zeros: scale.shape)
        for batch in 0..<x.shape[0] {
            for time in 0..<x.shape[1] {
                for channel in 0..<x.shape[2] {
                    let outer = adjoint[batch, time, channel]
                    inputs[batch, time, channel] = scale[batch, channel] * outer
                    scales[batch, channel] += x[batch, time, channel] * outer
                    biases[batch, channel] += outer
                }
            }
        }
        return [inputs, scales, biases]
    }
}
