import DPGraph

/// A linear layer over the innermost axis, with weight `[out, in]` and bias `[out]`.
enum Linear {
    /// `x Wᵀ + b`: `y[r, o] = b[o] + Σᵢ x[r, i] W[o, i]`.
    static func apply(_ x: HostTensor, weight: HostTensor, bias: HostTensor?, shape: Shape) -> HostTensor {
        var result = HostTensor(zeros: shape)
        for row in 0..<x.rows {
            for output in 0..<weight.shape[0] {
                var sum = bias?.values[output] ?? 0
                for input in 0..<weight.shape[1] { sum += x[row, input] * weight[output, input] }
                result[row, output] = sum
            }
        }
        return result
    }

    /// `Σₒ adjoint[r, o] W[o, i]`.
    static func inputGradient(_ adjoint: HostTensor, weight: HostTensor, shape: Shape) -> HostTensor {
        var result = HostTensor(zeros: shape)
        for row in 0..<adjoint.rows {
            for output in 0..<weight.shape[0] {
                for input in 0..<weight.shape[1] { result[row, input] += adjoint[row, output] * weight[output, input] }
            }
        }
        return result
    }

    /// `Σᵣ adjoint[r, o] x[r, i]`.
    static func weightGradient(_ x: HostTensor, adjoint: HostTensor, shape: Shape) -> HostTensor {
        var result = HostTensor(zeros: shape)
        for row in 0..<x.rows {
            for output in 0..<shape[0] {
                for input in 0..<shape[1] { result[output, input] += adjoint[row, output] * x[row, input] }
            }
        }
        return result
    }
}
