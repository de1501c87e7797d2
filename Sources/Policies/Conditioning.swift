/// How a denoiser is told what was observed.
///
/// (Chi et al. 2023, section 2.3; Janner et al. 2022 for inpainting.)
public enum Conditioning: String, Codable, Sendable, Hashable, CaseIterable {
    /// All `To` observations as one vector `[batch, To · D]` that modulates every block: the paper's choice.
    case global
    /// The observations beside the actions of the same instants, `[batch, Tp, D]`; zeros (in normalised units) from `To` on.
    case local
    /// Observations are part of the sample, `[batch, Tp, A + D]`, and the first `To` of them are held at their known values.
    case inpainting
}
