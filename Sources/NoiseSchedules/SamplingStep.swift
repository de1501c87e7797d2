/// One step of a sampler as numbers.
///
/// Whatever the sampler, its variance and what the network predicts, a step is
///
/// ```
/// sample   = clamp(sampleFromCurrent · current + sampleFromOutput · output)
/// previous = previousFromSample · sample + previousFromCurrent · current + previousFromOutput · output + noiseScale · noise
/// ```
///
/// where `current` is the diffused sample, `output` the network's answer to it, and `noise` fresh and normal. A backend can
/// compile this form once and look the six numbers up.
public struct SamplingStep: Sendable, Hashable {
    /// The step of the diffusion that the network is told.
    public var timestep: Int
    /// The diffused sample's part in the predicted sample.
    public var sampleFromCurrent: Double
    /// The network output's part in the predicted sample.
    public var sampleFromOutput: Double
    /// The clamped sample's part in the next, less noisy one.
    public var previousFromSample: Double
    /// The diffused sample's part in the next one.
    public var previousFromCurrent: Double
    /// The network output's part in the next one.
    public var previousFromOutput: Double
    /// The standard deviation of the fresh noise; zero at the last step.
    public var noiseScale: Double

    /// Performs the step on one number.
    ///
    /// This is the definition that compiled steps are tested against.
    /// - Parameters:
    ///   - current: the diffused sample.
    ///   - output: the network's answer.
    ///   - noise: a number from the standard normal distribution.
    ///   - clip: the predicted sample is clamped to ± this.
    public func previous(current: Double, output: Double, noise: Double, clip: Double?) -> Double {
        var sample = sampleFromCurrent * current + sampleFromOutput * output
        if let clip { sample = min(max(sample, -clip), clip) }
        return previousFromSample * sample + previousFromCurrent * current + previousFromOutput * output
            + noiseScale * noise
    }
}
