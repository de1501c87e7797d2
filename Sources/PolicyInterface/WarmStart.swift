/// What a policy may start denoising from instead of from noise alone: actions that are nearly right, such as the rest of the previous chunk.
///
/// They are mixed with noise as far as the diffusion has it at an intermediate step, and are denoised from there, which takes fewer steps and stays
/// near to them: the less noise, the nearer. Noising a guide and denoising it is SDEdit (Meng et al. 2022); starting a policy's chunk at an intermediate step
/// from the previous one is the real-time iteration scheme for diffusion policies (Duan et al. 2025, arXiv 2508.05396), which adds no noise. A policy that
/// does not denoise ignores it.
public struct WarmStart: Sendable, Equatable {
    /// An action for each that is to be predicted, `[prediction, action dimension]`, in raw units.
    public var actions: [[Float]]
    /// The same in double precision, where single precision cannot hold such actions; they go before `actions`.
    public var doubles: [[Double]]?
    /// Which part of the denoising is left to do: near 0 the actions are hardly changed, with 1 the start has as much noise as any.
    public let share: Double

    /// A start from actions.
    /// - Precondition: `share` lies in 0 … 1 and is not 0.
    public init(actions: [[Float]], share: Double, doubles: [[Double]]? = nil) {
        precondition(share > 0 && share <= 1, "a share of \(share) of the denoising, expected above 0 and at most 1")
        self.actions = actions
        self.doubles = doubles
        self.share = share
    }

    /// How many of a sampler's steps are left: the share of them, rounded to the nearest number and at least one.
    public func steps(of count: Int) -> Int { max(1, Int((share * Double(count)).rounded())) }
}
