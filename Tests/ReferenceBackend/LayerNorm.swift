import DPGraph

/// Layer normalization of `[…, channel]` (Ba et al.
///
/// 2016): `(x − μ) / √(σ² + ε) · gain + bias`, with mean μ and variance σ² of a row.
struct LayerNorm {
    let epsilon: Double

    /// Returns a row normalized to mean 0 and variance 1, and the inverse of the deviation.
    private func normalize(row: Int, of x: HostTensor) -> (values: [Double], inverseDeviation: Double) {
        let count = Double(x.shape.last)
        let values = (0..<x.shape.last).map { x[row, $0] }
        let mean = values.reduce(0, +) / count
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        let inverseDeviation = 1 / (variance + epsilon).squareRoot()
        return (values.map { ($0 - mean) * inverseDeviation }, inverseDeviation)
    }

    func normalize(_ x: HostTensor, gain: HostTensor, bias: HostTensor) -> HostTensor {
        var result = HostTensor(zeros: x.shape)
        for row in 0..<x.rows {
            for (channel, value) in normalize(row: row, of: x).values.enumerated() {
                result[row, channel] = value * gain.values[channel] + bias.values[channel]
            }
        }
        return result
    }

    /// Returns the gradients of x, gain and bias.
    ///
    /// With normalized x̂ and `d = adjoint · gain`, the gradient of x is
    /// `(d − mean(d) − x̂ · mean(d · x̂)) / √(σ² + ε)`, because mean and variance depend on x.
    func gradients(_ x: HostTensor, gain: HostTensor, adjoint: HostTensor) -> [HostTensor] {
        var inputs = HostTensor(zeros: x.shape)
        var gains = HostTensor(zeros: gain.shape)
        var biases = HostTensor(zeros: gain.shape)
        let count = Double(x.shape.last)
        for row in 0..<x.rows {
            let (normalized, inverseDeviation) = normalize(row: row, of: x)
            var (mean, meanProduct) = (0.0, 0.0)
            for (channel, value) in normalized.enumerated() {
                let outer = adjoint[row, channel]
                gains.values[channel] += outer * value
                biases.values[channel] += outer
                mean += outer * gain.values[channel] / count
                meanProduct += outer * gain.values[channel] * value / count
            }
            for (channel, value) in normalized.enumerated() {
                let inner = adjoint[row, channel] * gain.values[channel]
                inputs[row, channel] = (inner - mean - value * meanProduct) * inverseDeviation
            }
        }
        return [inputs, gains, biases]
    }
}
