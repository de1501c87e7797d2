import Foundation

extension EvaluationResult: CustomStringConvertible {
    /// A table with the scores, their intervals and the latency.
    public var description: String { ResultTable([self]).description }
}

/// A text table of results, with one row for each.
package struct ResultTable: CustomStringConvertible {
    /// The results, in order of the rows.
    package var results: [EvaluationResult]

    /// A table of results.
    package init(_ results: [EvaluationResult]) {
        self.results = results
    }

    /// The headings.
    static let headings = [
        "policy", "score", "95 % interval (t)", "success", "95 % interval (Wilson)", "median ms", "p99 ms", "batch",
    ]

    /// Returns the cells of a result, one for each heading.
    static func cells(of result: EvaluationResult) -> [String] {
        let score = result.scoreInterval.map { String(format: "%.3f … %.3f", $0.lower, $0.upper) } ?? "–"
        let success = result.successInterval
        let note = result.incomplete.map { _ in
            ", incomplete: \(result.episodes.count) of \(result.settings.episodes) episodes"
        }
        return [
            result.policy + (note ?? ""), String(format: "%.3f", result.score), score,
            String(format: "%.1f %%", 100 * result.successRate),
            String(format: "%.1f … %.1f %%", 100 * success.lower, 100 * success.upper),
            String(format: "%.2f", result.latency.median), String(format: "%.2f", result.latency.p99),
            "\(result.latency.largestBatch)",
        ]
    }

    /// The table with aligned columns: the first to the left, the numbers to the right.
    package var description: String { TextTable(headings: Self.headings, rows: results.map(Self.cells)).aligned }
}
