import DPBase

/// The factors of the sample and of the noise at each step of a diffusion.
///
/// At step `t`, `0 ..< steps`, a diffused sample is `√ᾱ[t] · sample + √(1 − ᾱ[t]) · noise` (Ho et al. 2020,
/// equation 4), so training does not need a chain of steps.
package struct NoiseSchedule: Sendable, Hashable {
    /// The variance that each step adds, `[step]`.
    package let betas: [Double]
    /// The products ᾱ of `1 − β` up to and including each step, `[step]`.
    package let alphasCumulativeProduct: [Double]
    /// The factor √ᾱ of the sample, `[step]`.
    package let sampleScales: [Double]
    /// The factor √(1 − ᾱ) of the noise, `[step]`.
    package let noiseScales: [Double]

    /// Creates the schedule of a diffusion.
    /// - Throws: `InputError` for an unsupported number of steps, or if a β is not a valid variance.
    package init(steps: Int = 100, betas: BetaSchedule = .squaredCosine) throws {
        guard NoiseSchedule.supportedSteps.contains(steps) else {
            throw InputError(key: "steps", expected: "\(NoiseSchedule.supportedSteps) training steps", found: steps)
        }
        try betas.validate()
        self.betas = betas.betas(count: steps)
        var product = 1.0
        alphasCumulativeProduct = self.betas.map { beta in
            product *= 1 - beta
            return product
        }
        sampleScales = alphasCumulativeProduct.map { $0.squareRoot() }
        noiseScales = alphasCumulativeProduct.map { (1 - $0).squareRoot() }
    }

    /// The supported numbers of diffusion steps.
    ///
    /// Published models use 100 to 1,000; the limit keeps a malicious file from requesting huge tables.
    package static let supportedSteps = 1...10_000

    /// Number of diffusion steps.
    package var steps: Int { betas.count }

    /// Returns ᾱ at a step, or 1 before the first step, where the sample is clean.
    func alphaCumulativeProduct(at step: Int) -> Double { step < 0 ? 1 : alphasCumulativeProduct[step] }
}
