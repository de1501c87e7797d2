import DPDatasets
import DPInterface
import DPPolicy
import Foundation

/// Checks of a dataset before training: warnings about surprising values, and errors that prevent training.
struct DataReview {
    let policy: PolicyConfiguration
    /// Statistics of the observation vectors, in the order of their components.
    let observation: FeatureStatistics
    /// Statistics of the actions.
    let action: FeatureStatistics
    /// The dataset under review.
    let demonstrations: InMemoryDataset

    /// One component of the observations or actions.
    struct Component {
        let name: String
        let statistics: FeatureStatistics
        /// Its index in the statistics.
        let index: Int
    }

    var observed: [Component] { components(policy.observations.componentNames, observation) }
    var commanded: [Component] { components(policy.action.componentNames, action) }

    private func components(_ names: [String], _ statistics: FeatureStatistics) -> [Component] {
        names.enumerated().map { Component(name: $1, statistics: statistics, index: $0) }
    }

    /// Returns the warnings, one line each.
    /// - Parameter actions: as for `limitWarnings(_:)`.
    /// - Throws: as `limitWarnings(_:)`.
    func warnings(actions: [Float]) throws -> [String] {
        try [constants].compactMap { $0 } + outliers + limitWarnings(actions)
    }

    /// A warning about components that never change; nil if there are none.
    var constants: String? {
        let constants = (observed + commanded).filter { $0.statistics.isConstant($0.index) }
        if constants.isEmpty { return nil }
        let shown = constants.prefix(12).map { "\($0.name) (\($0.statistics.constant($0.index)))" }
        return """
            constant in all demonstrations: \(shown.joined(separator: ", "))\
            \(constants.count > 12 ? " and \(constants.count - 12) more" : ""); not scaled; \
            a constant action component is always predicted as that value
            """
    }

    /// Warnings about extremes that lie far from all other numbers, one line each, at most a dozen.
    var outliers: [String] {
        let found = (observed + commanded).compactMap { component in
            component.statistics.outliers.first { $0.component == component.index }.map { (component, $0) }
        }
        // With fewer frames, the first and last percent hold so few numbers that a single one shifts the quantiles.
        let areFew = demonstrations.frameCount < 200
        let advice = areFew ? "" : "; normalization by clamped_quantiles is robust to single outliers"
        let lines = found.prefix(12).map { component, outlier in
            let statistics = component.statistics
            return """
                \(component.name) is \(statistics.raw(outlier.value, component: outlier.component)) in \(demonstrations.place(of: outlier.row)), far from \
                \(statistics.usualRange(outlier.component)), where 98 % of its numbers lie: check it\(advice)
                """
        }
        return lines + (found.count > 12 ? ["and \(found.count - 12) more components with such extremes"] : [])
    }

    /// A number with up to six significant digits.
    func text(_ number: some BinaryFloatingPoint) -> String { String(format: "%.6g", Double(number)) }
}
