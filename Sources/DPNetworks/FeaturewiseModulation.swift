import DPGraph

/// A layer that scales and shifts, or only shifts, each channel by a projection of Mish of the condition.
///
/// It is FiLM (Perez et al. 2018), the reference implementation's `cond_encoder`.
struct FeaturewiseModulation: Layer {
    let channels: Int
    let scales: Bool
    let projection: Linear

    init(_ name: String, condition: Int, channels: Int, scales: Bool) {
        self.channels = channels
        self.scales = scales
        projection = Linear("\(name).1", inputs: condition, outputs: scales ? 2 * channels : channels)
    }

    var parameters: [Parameter] { projection.parameters }

    /// Records `x`, `[batch, time, channels]`, modulated by the condition, `[batch, condition]`.
    func callAsFunction(_ x: Tensor, condition: Tensor) -> Tensor {
        let projected = projection(condition.mish())
        guard scales else { return x + projected.reshaped(to: [x.shape[0], 1, channels]) }
        return x.film(
            scale: projected.slice(axis: 1, 0..<channels), bias: projected.slice(axis: 1, channels..<2 * channels))
    }
}
