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

    /// Returns the coefficients of the training target, `sample · clean sample + noise · noise`.
    package func target(at step: Int, of schedule: NoiseSchedule) -> (sample: Double, noise: Double) {
        switch self {
        case .noise: (0, 1)
        case .sample: (1, 0)
        case .velocity: (-schedule.noiseScales[step], schedule.sampleScales[step])
        }
    }

    /// Returns the coefficients of the predicted clean sample, `current · diffused sample + output · output`.
    package func predictedSample(at step: Int, of schedule: NoiseSchedule) -> (current: Double, output: Double) {
        let (sampleScale, noiseScale) = (schedule.sampleScales[step], schedule.noiseScales[step])
        return switch self {
        case .noise: (1 / sampleScale, -noiseScale / sampleScale)
        case .sample: (0, 1)
        case .velocity: (sampleScale, -noiseScale)
        }
    }

    /// Returns the coefficients of the predicted noise, `current · diffused sample + output · output`.
    package func predictedNoise(at step: Int, of schedule: NoiseSchedule) -> (current: Double, output: Double) {
        let (sampleScale, noiseScale) = (schedule.sampleScales[step], schedule.noiseScales[step])
        return switch self {
        case .noise: (0, 1)
        case .sample: (1 / noiseScale, -sampleScale / noiseScale)
        case .velocity: (noiseScale, sampleScale)
        }
    }
}
