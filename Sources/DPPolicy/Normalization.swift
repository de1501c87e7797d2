/// The normalization of each feature.
///
/// ```swift
/// var recipe = try RecipeFile.read("custom-robot")
/// recipe.policy.normalization = Normalization(observations: .gaussian, action: .limits)
/// ```
public struct Normalization: Codable, Sendable, Hashable {
    /// The mode of one feature, applied to each of its components separately.
    ///
    /// ```swift
    /// var recipe = try RecipeFile.read("pusht-lowdim")
    /// recipe.policy.normalization.features["state"] = .clampedQuantiles
    /// ```
    public enum Mode: String, Codable, Sendable, Hashable, CaseIterable {
        /// Maps the smallest value of the dataset to −1 and the largest to 1: the paper's choice.
        case limits
        /// Maps the 1 % quantile of the dataset to −1 and the 99 % quantile to 1, so that single outliers do not
        /// matter; values beyond the quantiles map to values outside of −1 … 1, as with LeRobot's `QUANTILES`.
        ///
        /// If both quantiles are equal, the limits replace them.
        case quantiles
        /// Like `quantiles`, but clamps values to −1 … 1.
        case clampedQuantiles = "clamped_quantiles"
        /// Maps the mean to 0 and the standard deviation to 1.
        case gaussian
        /// Leaves values unchanged.
        case identity

        /// Whether all values of the dataset are in −1 … 1 after normalization.
        package var isBounded: Bool {
            switch self {
            case .limits, .clampedQuantiles: true
            case .quantiles, .gaussian, .identity: false
            }
        }
    }

    /// The mode of observations; `limits` by default.
    public var observations: Mode
    /// The mode of actions; `limits` by default.
    public var action: Mode
    /// Modes of individual observation features by name, which override `observations`; none by default.
    public var features: [String: Mode]

    /// Creates a normalization; the default mode is `limits`.
    public init(observations: Mode = .limits, action: Mode = .limits, features: [String: Mode] = [:]) {
        self.observations = observations
        self.action = action
        self.features = features
    }

    /// Returns the mode of an observation feature.
    package func mode(ofFeature name: String) -> Mode { features[name] ?? observations }
}
