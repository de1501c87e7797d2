/// The coefficients of one sampler step.
///
/// For every sampler, variance, and prediction, a step is
///
/// ```
/// sample   = clamp(sampleFromCurrent · current + sampleFromOutput · output)
/// previous = previousFromSample · sample + previousFromCurrent · current
///     + previousFromOutput · output + noiseScale · noise
/// ```
///
/// where `current` is the diffused sample, `output` the network's output for it, and `noise` fresh standard normal
/// noise. A backend can compile this form once and select the six coefficients of each step.
package struct SamplingStep: Sendable, Hashable {
    /// The diffusion step that is passed to the network.
    package var timestep: Int
    /// The coefficient of the diffused sample in the predicted sample.
    package var sampleFromCurrent: Double
    /// The coefficient of the network output in the predicted sample.
    package var sampleFromOutput: Double
    /// The coefficient of the clamped sample in the next, less noisy sample.
    package var previousFromSample: Double
    /// The coefficient of the diffused sample in the next sample.
    package var previousFromCurrent: Double
    /// The coefficient of the network output in the next sample.
    package var previousFromOutput: Double
    /// The standard deviation of the fresh noise; zero at the last step.
    package var noiseScale: Double

    /// Applies the step to one number.
    ///
    /// Compiled steps are tested against this definition.
    /// - Parameters:
    ///   - current: the diffused sample.
    ///   - output: the network's output.
    ///   - noise: a number from the standard normal distribution.
    ///   - clip: the bound, ±, that the predicted sample is clamped to; nil for no clamping.
    package func previous(current: Double, output: Double, noise: Double, clip: Double?) -> Double {
        var sample = sampleFromCurrent * current + sampleFromOutput * output
        if let clip { sample = min(max(sample, -clip), clip) }
        return previousFromSample * sample + previousFromCurrent * current + previousFromOutput * output
            + noiseScale * noise
    }
}
