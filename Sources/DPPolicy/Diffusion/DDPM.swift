extension SamplingStep {
    /// Returns a step of the denoising diffusion probabilistic model: equations 6 and 7 of Ho, Jain, and Abbeel (2020).
    ///
    /// The mean is that of the posterior of the previous sample, given the diffused and the predicted sample. When
    /// steps are skipped, β and α are those of the whole jump.
    static func ddpm(
        from timestep: Int, to previous: Int, variance: Sampler.Variance, prediction: Prediction,
        schedule: NoiseSchedule
    ) -> SamplingStep {
        let product = schedule.alphaCumulativeProduct(at: timestep)
        let previousProduct = schedule.alphaCumulativeProduct(at: previous)
        let alpha = product / previousProduct
        let beta = 1 - alpha
        let scale =
            switch variance {
            case .fixedSmall: (1 - previousProduct) / (1 - product) * beta
            case .fixedLarge: beta
            }
        let sample = prediction.predictedSample(at: timestep, of: schedule)
        return SamplingStep(
            timestep: timestep, sampleFromCurrent: sample.currentFactor, sampleFromOutput: sample.outputFactor,
            previousFromSample: previousProduct.squareRoot() * beta / (1 - product),
            previousFromCurrent: alpha.squareRoot() * (1 - previousProduct) / (1 - product),
            previousFromOutput: 0,
            noiseScale: previous < 0 ? 0 : scale.squareRoot())
    }
}
