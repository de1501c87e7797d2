import TensorGraph

/// Group normalisation of `[batch, time, channel]` (Wu & He 2018): `(x − μ) / √(σ² + ε) · gain + bias`, with mean μ and variance σ² over
/// the times and channels of a group.
struct GroupNorm {
    let groups: Int
    let epsilon: Double

    /// The elements of one group, by their time and channel, and their statistics.
    private struct Group {
        let batch: Int
        let places: [(time: Int, channel: Int)]
        let mean: Double
        let inverseDeviation: Double

        func normalised(_ x: HostTensor, _ time: Int, _ channel: Int) -> Double {
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

    func normalise(_ x: HostTensor, gain: HostTensor, bias: HostTensor) -> HostTensor {
        var result = HostTensor(zeros: x.shape)
        for group in groups(of: x) {
            for (time, channel) in group.places {
                result[group.batch, time, channel] =
                    group.normalised(x, time, channel) * gain.values[channel] + bias.values[channel]
            }
        }
        return result
    }

    /// The gradients of x, gain and bias.
    ///
    /// With normalised x̂ and `d = adjoint · gain`, the gradient of x is `(d − mean(d) − x̂ · mean(d · x̂)) / √(σ² + ε)`: mean and
    /// variance move with x.
    func gradients(_ x: HostTensor, gain: HostTensor, adjoint: HostTensor) -> [HostTensor] {
        var inputs = HostTensor(zeros: x.shape)
        var gains = HostTensor(zeros: gain.shape)
        var biases = HostTensor(zeros: gain.shape)
        for group in groups(of: x) {
            var mean = 0.0
            var meanProduct = 0.0
            for (time, channel) in group.places {
                let normalised = group.normalised(x, time, channel)
                let outer = adjoint[group.batch, time, channel]
                gains.values[channel] += outer * normalised
                biases.values[channel] += outer
                mean += outer * gain.values[channel] / Double(group.places.count)
                meanProduct += outer * gain.values[channel] * normalised / Double(group.places.count)
            }
            for (time, channel) in group.places {
                let inner = adjoint[group.batch, time, channel] * gain.values[channel]
                inputs[group.batch, time, channel] =
                    (inner - mean - group.normalised(x, time, channel) * meanProduct) * group.inverseDeviation
            }
        }
        return [inputs, gains, biases]
    }
}
