/// The quantity that a denoising network predicts.
///
/// Encoded under the names that diffusers uses: `epsilon`, `sample`, and `v_prediction`.
///
/// ```swift
/// var recipe = try RecipeFile.read("pusht-lowdim")
/// recipe.policy.diffusion.prediction = .velocity
/// ```
public enum Prediction: String, Codable, Sendable, Hashable, CaseIterable {
    /// The noise in a diffused sample (Ho et al. 2020).
    case noise = "epsilon"
    /// The clean sample.
    case sample
    /// The velocity `√ᾱ · noise − √(1 − ᾱ) · sample` (Salimans and Ho 2022, appendix D).
    case velocity = "v_prediction"

    /// Returns the coefficients of the training target, `sampleFactor · x₀ + noiseFactor · ε`, where x₀ is the clean
    /// sample and ε the noise.
    package func target(at step: Int, of schedule: NoiseSchedule) -> (sampleFactor: Double, noiseFactor: Double) {
        switch self {
        case .noise: (0, 1)
        case .sample: (1, 0)
        case .velocity: (-schedule.noiseScales[step], schedule.sampleScales[step])
        }
    }

    /// Returns the coefficients of the predicted clean sample, `currentFactor · x_t + outputFactor · output`.
    package func predictedSample(
        at step: Int, of schedule: NoiseSchedule
    ) -> (currentFactor: Double, outputFactor: Double) {
        let (sampleScale, noiseScale) = (schedule.sampleScales[step], schedule.noiseScales[step])
        return switch self {
        case .noise: (1 / sampleScale, -noiseScale / sampleScale)
        case .sample: (0, 1)
        case .velocity: (sampleScale, -noiseScale)
        }
    }

    /// Returns the coefficients of the predicted noise, `currentFactor · x_t + outputFactor · output`.
    package func predictedNoise(
        at step: Int, of schedule: NoiseSchedule
    ) -> (currentFactor: Double, outputFactor: Double) {
        let (sampleScale, noiseScale) = (schedule.sampleScales[step], schedule.noiseScales[step])
        return switch self {
        case .noise: (0, 1)
        case .sample: (1 / noiseScale, -sampleScale / noiseScale)
        case .velocity: (noiseScale, sampleScale)
        }
    }
}
