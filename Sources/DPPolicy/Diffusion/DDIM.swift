extension SamplingStep {
    /// Returns a step of the denoising diffusion implicit model: equations 12 and 16 of Song, Meng, and Ermon (2021).
    ///
    /// As in the evaluation of published policies (diffusers with `use_clipped_model_output` off), the direction
    /// pointing to x_t uses the predicted noise. It is not recomputed from the clamped sample.
    static func ddim(
        from timestep: Int, to previous: Int, eta: Double, prediction: Prediction, schedule: NoiseSchedule
    ) -> SamplingStep {
        let product = schedule.alphaCumulativeProduct(at: timestep)
        let previousProduct = schedule.alphaCumulativeProduct(at: previous)
        let variance = eta * eta * (1 - previousProduct) / (1 - product) * (1 - product / previousProduct)
        // Negative only through rounding, since eta is at most 1.
        let direction = max(1 - previousProduct - variance, 0).squareRoot()
        let sample = prediction.predictedSample(at: timestep, of: schedule)
        let noise = prediction.predictedNoise(at: timestep, of: schedule)
        return SamplingStep(
            timestep: timestep, sampleFromCurrent: sample.currentFactor, sampleFromOutput: sample.outputFactor,
            previousFromSample: previousProduct.squareRoot(),
            previousFromCurrent: direction * noise.currentFactor,
            previousFromOutput: direction * noise.outputFactor,
            noiseScale: variance.squareRoot())
    }
}
