import PolicyInterface

/// How much of a sample and how much noise there is at each step of a diffusion.
///
/// At step `t`, `0 ..< steps`, a sample that was diffused is `√ᾱ[t] · sample + √(1 − ᾱ[t]) · noise` (Ho et al. 2020, equation 4):
/// training needs no chain of steps.
public struct NoiseSchedule: Sendable, Hashable {
    /// The variance that each step adds, `[step]`.
    public let betas: [Double]
    /// The products ᾱ of `1 − β` up to and including each step, `[step]`.
    public let alphasCumulativeProduct: [Double]
    /// The factor √ᾱ of the sample, `[step]`.
    public let sampleScales: [Double]
    /// The factor √(1 − ᾱ) of the noise, `[step]`.
    public let noiseScales: [Double]

    /// The tables of a diffusion.
    /// - Throws: `InvalidSetting` when there are no steps or too many, or a β would not be a variance.
    public init(steps: Int = 100, betas: BetaSchedule = .squaredCosine) throws {
        guard NoiseSchedule.supportedSteps.contains(steps) else {
            throw InvalidSetting(key: "steps", expected: "\(NoiseSchedule.supportedSteps) training steps", found: steps)
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

    /// How many steps a diffusion may have.
    ///
    /// Published models use 100 to 1,000; the limit keeps a hostile file from asking for huge tables.
    public static let supportedSteps = 1...10_000

    /// How many steps the diffusion has.
    public var steps: Int { betas.count }

    /// ᾱ at a step, and 1 before the first one: there the sample is clean.
    func alphaCumulativeProduct(at step: Int) -> Double { step < 0 ? 1 : alphasCumulativeProduct[step] }
}
