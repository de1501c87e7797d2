import DPBase
package import DPInterface
package import Foundation

/// Results of a policy at several latencies with several merging methods, on the same seeds.
package struct LatencyStudy: Codable, Sendable, Equatable {
    /// The name of the evaluated policy.
    package let policy: String
    /// A result for each latency and merging method.
    package private(set) var results: [EvaluationResult] = []

    /// A study without results.
    package init(policy: String) { self.policy = policy }

    /// Adds the result of a latency and a merging method, which are taken from its settings.
    package mutating func add(_ result: EvaluationResult) { results.append(result) }

    /// The result of a latency in seconds and a merging method, if there is one.
    package func result(_ merging: ChunkMerging, at latency: Double) -> EvaluationResult? {
        results.first { $0.settings.control.merging == merging && $0.settings.latency.total == latency }
    }

    /// The evaluated latencies, in seconds, in order.
    package var latencies: [Double] { Set(results.map(\.settings.latency.total)).sorted() }

    /// The name of the latency that was varied; "latency" is that of computing.
    private var latencyName: String {
        let latencies = Set(results.map(\.settings.latency))
        let part = [SimulatedLatency.Part.observation, .action].first { part in
            latencies.contains { $0.total > 0 && $0 == SimulatedLatency($0.total, of: part) }
        }
        return part.map { "\($0.rawValue) latency" } ?? "latency"
    }

    /// The evaluated merging methods, in the order of the first result of each.
    package var mergings: [ChunkMerging] {
        var mergings: [ChunkMerging] = []
        for result in results where !mergings.contains(result.settings.control.merging) {
            mergings.append(result.settings.control.merging)
        }
        return mergings
    }

    /// A quantity to compare.
    package enum Quantity: String, Sendable, CaseIterable {
        /// The mean best reward.
        case score
        /// The mean jerk at chunk boundaries.
        case boundaryJerk = "jerk"
        /// The mean jerk over all positions.
        case overallJerk = "overall-jerk"

        /// The name, with the unit.
        package var title: String {
            switch self {
            case .score: "score"
            case .boundaryJerk: "jerk at chunk boundaries, 1000 units/s³"
            case .overallJerk: "jerk anywhere, 1000 units/s³"
            }
        }

        /// The value in a result, in the unit of the title.
        func value(of result: EvaluationResult) -> Double? {
            switch self {
            case .score: result.score
            case .boundaryJerk: result.jerk?.boundary.map { $0 / 1000 }
            case .overallJerk: result.jerk?.overall.map { $0 / 1000 }
            }
        }

        /// The value in a result as text; the score with half the width of its 95 % interval.
        func text(of result: EvaluationResult) -> String {
            guard let value = value(of: result) else { return "–" }
            switch self {
            case .score:
                let reach = result.scoreInterval.map { String(format: " ± %.3f", ($0.upper - $0.lower) / 2) } ?? ""
                return String(format: "%.3f", value) + reach
            case .boundaryJerk, .overallJerk: return String(format: "%.1f", value)
            }
        }
    }
}

extension LatencyStudy: CustomStringConvertible {
    /// A table for each quantity: a row for each merging method, a column for each latency.
    package var description: String {
        Quantity.allCases.map { "\($0.title), by \(latencyName)\n\(table(of: $0).aligned)" }.joined(separator: "\n\n")
    }

    private func table(of quantity: Quantity) -> TextTable {
        TextTable(
            headings: ["merging"] + latencies.map { "\(milliseconds($0)) ms" },
            rows: mergings.map { merging in
                [merging.description]
                    + latencies.map { result(merging, at: $0).map(quantity.text) ?? "–" }
            })
    }

    /// Returns a plot of a quantity against latency, with a line for each merging method.
    package func plot(of quantity: Quantity) -> SVGPlot {
        let series = mergings.map { merging in
            SVGPlot.Series(
                name: merging.description,
                points: latencies.compactMap { latency in
                    result(merging, at: latency).flatMap(quantity.value)
                        .map { SVGPlot.Point(x: latency * 1000, y: $0) }
                })
        }
        var plot = SVGPlot(title: quantity.title, horizontalLabel: "\(latencyName), ms", series: series)
        plot.width = 960
        plot.height = 360
        return plot
    }

    private func milliseconds(_ seconds: Double) -> Int { Int((seconds * 1000).rounded()) }
}

extension LatencyStudy {
    /// Writes `latency.json` with all results, `latency.md` with the tables, and a plot of each quantity,
    /// `latency-score.svg` and so on.
    /// - Throws: `FileSystemError`; an existing file is then unchanged.
    package func write(to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try AtomicFile.write(JSONEncoder.legible.encode(self), to: folder.appendingPathComponent("latency.json"))
        for quantity in Quantity.allCases {
            let picture = Data(plot(of: quantity).svg().utf8)
            try AtomicFile.write(picture, to: folder.appendingPathComponent(file(of: quantity)))
        }
        try AtomicFile.write(Data(markdown.utf8), to: folder.appendingPathComponent("latency.md"))
    }

    private func file(of quantity: Quantity) -> String { "latency-\(quantity.rawValue).svg" }

    private var markdown: String {
        let sections = Quantity.allCases.map {
            "## \($0.title)\n\n![\($0.title)](\(file(of: $0)))\n\n\(table(of: $0).markdown)"
        }
        let seeds = results.first.map { "seeds \($0.settings.seeds.lowerBound) to \($0.settings.seeds.upperBound - 1)" }
        return """
            # Score and jerk against \(latencyName)

            \(policy), \(seeds ?? "no seeds").

            \(sections.joined(separator: "\n\n"))

            """
    }
}
