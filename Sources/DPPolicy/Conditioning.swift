/// How a denoiser receives the observations.
///
/// See Chi et al. 2023, section 2.3, and Janner et al. 2022 for inpainting.
///
/// ```swift
/// var recipe = try RecipeFile.read("pusht-lowdim")
/// recipe.policy.conditioning = .local
/// ```
public enum Conditioning: String, Codable, Sendable, Hashable, CaseIterable {
    /// All `To` observations, `[batch, To, D]`, condition the whole sequence, as in the paper: the U-Net concatenates
    /// them for FiLM, the transformer attends to them.
    case global
    /// The observations next to the actions of the same time steps, `[batch, Tp, D]`; zeros (in normalized units)
    /// from `To` on.
    case local
    /// Observations are part of the sample, `[batch, Tp, A + D]`, and the first `To` of them are fixed to their
    /// known values.
    case inpainting
}
