import DPGraph

/// Group normalization of `[batch, time, channel]` (Wu & He 2018): `(x − μ) / √(σ² + ε) · gain + bias`, with mean μ
/// and variance σ² over the time positions and channels of a group.
struct GroupNorm {
    let groups: Int
    let epsilon: Double

    /// The elements of one group, by time and channel, and their statistics.
    private struct Group {
        let batch: Int
        let places: [(time: Int, channel: Int)]
        let mean: Double
        let inverseDeviation: Double

        func normalized(_ x: HostTensor, _ time: Int, _ channel: Int) -> Double {
            (x[batch, time, channel] - mean) * inverseDeviation
        }
    }

    private func groups(of x: HostTensor) -> [Group] {
        let width = x.shape[2] / groups
        return (0..<x.shape[0]).flatMap { batch in
            (0..<groups).map { group in
                let places = (0..<x.shape[1]).flatMap { time in
                    (group * width..<(group + 1) * width).map { (time: time, channel: $0) }
                }
                let values = places.map { x[batch, $0.time, $0.channel] }
                let mean = values.reduce(0, +) / Double(values.count)
                let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
                return Group(
                    batch: batch, places: places, mean: mean, inverseDeviation: 1 / (variance + epsilon).squareRoot())
            }
        }
    }

    func normalize(_ x: HostTensor, gain: HostTensor, bias: HostTensor) -> HostTensor {
        var result = HostTensor(zeros: x.shape)
        for group in groups(of: x) {
            for (time, channel) in group.places {
                result[group.batch, time, channel] =
                    group.normalized(x, time, channel) * gain.values[channel] + bias.values[channel]
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
        for group in groups(of: x) {
            var mean = 0.0
            var meanProduct = 0.0
            for (time, channel) in group.places {
                let normalized = group.normalized(x, time, channel)
                let outer = adjoint[group.batch, time, channel]
                gains.values[channel] += outer * normalized
                biases.values[channel] += outer
                mean += outer * gain.values[channel] / Double(group.places.count)
                meanProduct += outer * gain.values[channel] * normalized / Double(group.places.count)
            }
            for (time, channel) in group.places {
                let inner = adjoint[group.batch, time, channel] * gain.values[channel]
                inputs[group.batch, time, channel] =
                    (inner - mean - group.normalized(x, time, channel) * meanProduct) * group.inverseDeviation
            }
        }
        return [inputs, gains, biases]
    }
}
