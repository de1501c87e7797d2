/// How each field is brought to the scale that networks learn best at.
public struct Normalisation: Codable, Sendable, Hashable {
    /// The rule for one field, applied to each of its components on its own.
    public enum Mode: String, Codable, Sendable, Hashable, CaseIterable {
        /// The smallest value of the demonstrations becomes −1 and the largest 1: the paper's choice.
        case limits
        /// The number below which 1 % of the demonstrations' numbers lie becomes −1 and that below which 99 % lie 1, so that single outliers do
        /// not matter; numbers beyond go on outside of −1 … 1, as by LeRobot's `QUANTILES`.
        ///
        /// Where both are the same number, the limits stand in for them.
        case quantiles
        /// As `quantiles`, and what lies beyond becomes −1 or 1.
        case clampedQuantiles = "clamped_quantiles"
        /// The mean becomes 0 and the standard deviation 1.
        case gaussian
        /// Values stay as they are.
        case identity

        /// Whether all demonstrated numbers lie in −1 … 1 afterwards.
        public var isBounded: Bool {
            switch self {
            case .limits, .clampedQuantiles: true
            case .quantiles, .gaussian, .identity: false
            }
        }
    }

    /// The rule for observations; by limits by default.
    public var observations: Mode
    /// The rule for actions; by limits by default.
    public var action: Mode
    /// Another rule for some fields of the observations, by their names; none by default.
    public var fields: [String: Mode]

    /// By limits throughout, by default.
    public init(observations: Mode = .limits, action: Mode = .limits, fields: [String: Mode] = [:]) {
        self.observations = observations
        self.action = action
        self.fields = fields
    }

    /// The rule for a field of the observations.
    public func mode(ofField name: String) -> Mode { fields[name] ?? observations }
}
