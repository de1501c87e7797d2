import DPGraph

/// The embedding of the diffusion step: sines and cosines, linear, Mish, linear.
///
/// The sines and cosines are those of Vaswani et al. (2017); the hidden layer is four times as wide, as in the
/// reference implementation's `diffusion_step_encoder`.
struct StepEncoder: Layer {
    let dimension: Int
    let expansion: Linear
    let projection: Linear

    init(_ name: String, dimension: Int) {
        self.dimension = dimension
        expansion = Linear("\(name).1", inputs: dimension, outputs: 4 * dimension)
        projection = Linear("\(name).3", inputs: 4 * dimension, outputs: dimension)
    }

    var parameters: [Parameter] { expansion.parameters + projection.parameters }

    /// Records `[steps]` → `[steps, dimension]`.
    func callAsFunction(_ steps: Tensor) -> Tensor {
        projection(expansion(steps.sinusoidalEmbedding(dimension: dimension)).mish())
    }
}
