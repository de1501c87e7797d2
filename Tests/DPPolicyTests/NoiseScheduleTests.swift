import DPBase
import DPPolicy
import Testing

private let everyBetaSchedule: [BetaSchedule] = [.squaredCosine, .linear(), .scaledLinear(start: 0.001, end: 0.5)]

@Test(arguments: everyBetaSchedule, [1, 2, 100, 1000])
func signalOnlyFades(betas: BetaSchedule, steps: Int) throws {
    let schedule = try NoiseSchedule(steps: steps, betas: betas)
    #expect(schedule.steps == steps)
    #expect(schedule.betas.allSatisfy { 0 < $0 && $0 < 1 })
    let products = schedule.alphasCumulativeProduct
    #expect(zip(products, products.dropFirst()).allSatisfy { $0 > $1 })
    for (sample, noise) in zip(schedule.sampleScales, schedule.noiseScales) {
        #expect(abs(sample * sample + noise * noise - 1) < 1e-12)
    }
}

@Test(arguments: [0, -1, 10_001, .max])
func impossibleNumberOfStepsIsRefused(steps: Int) {
    #expect(throws: InputError(key: "steps", expected: "1...10000 training steps", found: steps)) {
        try NoiseSchedule(steps: steps)
    }
}

@Test(arguments: [(0, 0.02), (0.02, 0.01), (0.1, 1), (.nan, 0.1), (0.1, .nan), (-0.1, 0.1)])
func impossibleRangeOfBetasIsRefused(start: Double, end: Double) {
    #expect(throws: InputError.self) { try NoiseSchedule(betas: .linear(start: start, end: end)) }
    #expect(throws: InputError.self) { try NoiseSchedule(betas: .scaledLinear(start: start, end: end)) }
}

@Test(arguments: [0, -1, .nan, .infinity] as [Double])
func impossibleClipIsRefused(clip: Double) throws {
    #expect(throws: InputError.self) { try DiffusionConfiguration(clip: clip).validate() }
    try DiffusionConfiguration(clip: nil).validate()
    try DiffusionConfiguration().validate()
}

/// A network output that equals the training target determines the sample and the noise.
@Test(arguments: Prediction.allCases)
func predictionInvertsTarget(prediction: Prediction) throws {
    let schedule = try NoiseSchedule(betas: .linear())
    let (sample, noise) = (0.3, -1.7)
    for step in 0..<schedule.steps {
        let current = schedule.sampleScales[step] * sample + schedule.noiseScales[step] * noise
        let target = prediction.target(at: step, of: schedule)
        let output = target.sampleFactor * sample + target.noiseFactor * noise
        let ofSample = prediction.predictedSample(at: step, of: schedule)
        let ofNoise = prediction.predictedNoise(at: step, of: schedule)
        #expect(abs(ofSample.currentFactor * current + ofSample.outputFactor * output - sample) < 1e-12)
        #expect(abs(ofNoise.currentFactor * current + ofNoise.outputFactor * output - noise) < 1e-12)
    }
}
