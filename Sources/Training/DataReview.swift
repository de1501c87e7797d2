import Demonstrations
import Foundation
import Policies
import PolicyInterface

/// What the demonstrations tell before anything is learned from them: what may surprise, and what cannot work.
struct DataReview {
    let policy: PolicyConfiguration
    /// Statistics of the observations' vectors, in the order of their components.
    let observation: FieldStatistics
    /// Statistics of the actions.
    let action: FieldStatistics
    /// What is reviewed.
    let demonstrations: ReplayBuffer

    /// One component of the observations or actions.
    struct Component {
        let name: String
        let statistics: FieldStatistics
        /// Its column in the statistics.
        let column: Int
    }

    var observed: [Component] { components(policy.observations.componentNames, observation) }
    var commanded: [Component] { components(policy.action.componentNames, action) }

    private func components(_ names: [String], _ statistics: FieldStatistics) -> [Component] {
        names.enumerated().map { Component(name: $1, statistics: statistics, column: $0) }
    }

    /// What may surprise, a line each.
    /// - Parameter actions: as of `limitWarnings(_:)`.
    /// - Throws: as that one.
    func warnings(actions: [Float]) throws -> [String] {
        try [constants].compactMap { $0 } + outliers + limitWarnings(actions)
    }

    /// Tells which components never change; nil when all do.
    var constants: String? {
        let constants = (observed + commanded).filter { $0.statistics.isConstant($0.column) }
        if constants.isEmpty { return nil }
        let shown = constants.prefix(12).map { "\($0.name) (\($0.statistics.constant($0.column)))" }
        return """
            constant in all demonstrations: \(shown.joined(separator: ", "))\
            \(constants.count > 12 ? " and \(constants.count - 12) more" : ""); not scaled, and such an action is always answered as it is
            """
    }

    /// Tells which extremes lie far from everything else, a line each, at most a dozen.
    var outliers: [String] {
        let found = (observed + commanded).compactMap { component in
            component.statistics.outliers.first { $0.column == component.column }.map { (component, $0) }
        }
        // Of fewer numbers, the first and the last hundredth hold so few that a single one moves the quantiles.
        let areFew = demonstrations.frameCount < 200
        let advice = areFew ? "" : "; normalisation by clamped_quantiles is not led by single numbers"
        let lines = found.prefix(12).map { component, outlier in
            let statistics = component.statistics
            return """
                \(component.name) is \(statistics.raw(outlier.value, column: outlier.column)) in \(demonstrations.place(of: outlier.row)), far from \
                \(statistics.usualRange(outlier.column)), where 98 % of its numbers lie: check it\(advice)
                """
        }
        return lines + (found.count > 12 ? ["and \(found.count - 12) more components with such extremes"] : [])
    }

    /// A number with a few digits.
    func text(_ number: some BinaryFloatingPoint) -> String { String(format: "%.6g", Double(number)) }
}
