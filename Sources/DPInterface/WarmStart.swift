/// Actions from which a policy may start denoising instead of from noise alone, such as the rest of the previous
/// chunk.
///
/// They are mixed with the noise of an intermediate denoising step and denoised from there, which takes fewer steps
/// and stays close to them: the less noise, the closer. Noising a guide and denoising it is SDEdit (Meng et al.
/// 2022); starting a policy's chunk at an intermediate step from the previous one is the real-time iteration scheme
/// for diffusion policies (Duan et al. 2025, arXiv 2508.05396), which adds no noise. A policy that does not denoise
/// ignores it.
package struct WarmStart: Sendable, Equatable {
    /// One action per predicted step, `[prediction, action dimension]`, in raw units.
    package var actions: [[Float]]
    /// The actions in double precision, if single precision cannot hold such actions; they take precedence over
    /// `actions`.
    package var doubles: [[Double]]?
    /// The fraction of the denoising steps that remains: near 0 the actions hardly change, at 1 the start is as
    /// noisy as any.
    package let strength: Double

    /// Creates a warm start from actions.
    /// - Precondition: `strength` is above 0 and at most 1.
    package init(actions: [[Float]], strength: Double, doubles: [[Double]]? = nil) {
        precondition(strength > 0 && strength <= 1, "strength: expected above 0 and at most 1, found \(strength)")
        self.actions = actions
        self.doubles = doubles
        self.strength = strength
    }

    /// Returns how many of a sampler's steps remain: `strength` times their number, rounded to the nearest number
    /// and at least one.
    package func steps(of count: Int) -> Int { max(1, Int((strength * Double(count)).rounded())) }
}
