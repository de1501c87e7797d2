public import Control
public import Foundation
import PolicyInterface

/// How a policy does at several latencies with several ways of joining chunks, on the same seeds.
public struct LatencyStudy: Codable, Sendable, Equatable {
    /// What was judged.
    public let policy: String
    /// A result for each latency and way of joining.
    public private(set) var results: [EvaluationResult] = []

    /// A study without results.
    public init(policy: String) { self.policy = policy }

    /// Adds the result of a latency and a way of joining, which its settings tell.
    public mutating func add(_ result: EvaluationResult) { results.append(result) }

    /// The result of a latency in seconds and a way of joining, if there is one.
    public func result(_ joining: Joining, at latency: Double) -> EvaluationResult? {
        results.first { $0.settings.control.joining == joining && $0.settings.latency.total == latency }
    }

    /// The latencies that were tried, in seconds, in order.
    public var latencies: [Double] { Set(results.map(\.settings.latency.total)).sorted() }

    /// What is late: "latency" is that of computing.
    private var latencyName: String {
        let latencies = Set(results.map(\.settings.latency))
        let part = [SimulatedLatency.Part.observation, .action].first { part in
            latencies.contains { $0.total > 0 && $0 == SimulatedLatency($0.total, of: part) }
        }
        return part.map { "\($0.rawValue) latency" } ?? "latency"
    }

    /// The ways of joining that were tried, in the order of the first result of each.
    public var joinings: [Joining] {
        var joinings: [Joining] = []
        for result in results where !joinings.contains(result.settings.control.joining) {
            joinings.append(result.settings.control.joining)
        }
        return joinings
    }

    /// What is looked at.
    public enum Quantity: String, Sendable, CaseIterable {
        /// The mean best reward.
        case score
        /// The mean jerk at chunk boundaries.
        case boundaryJerk = "jerk"
        /// The mean jerk anywhere.
        case overallJerk = "overall-jerk"

        /// What it is, with its unit.
        public var title: String {
            switch self {
            case .score: "score"
            case .boundaryJerk: "jerk at chunk boundaries, 1000 units/s³"
            case .overallJerk: "jerk anywhere, 1000 units/s³"
            }
        }

        /// Its value in a result, in the unit of the title.
        func value(of result: EvaluationResult) -> Double? {
            switch self {
            case .score: result.score
            case .boundaryJerk: result.jerk?.boundary.map { $0 / 1000 }
            case .overallJerk: result.jerk?.overall.map { $0 / 1000 }
            }
        }

        /// Its value in a result as text; the score with half the width of its 95 % interval.
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
    /// A table for each quantity: a row for each way of joining, a column for each latency.
    public var description: String {
        Quantity.allCases.map { "\($0.title), by \(latencyName)\n\(table(of: $0).aligned)" }.joined(separator: "\n\n")
    }

    private func table(of quantity: Quantity) -> TextTable {
        TextTable(
            headings: ["joining"] + latencies.map { "\(milliseconds($0)) ms" },
            rows: joinings.map { joining in
                [joining.description]
                    + latencies.map { result(joining, at: $0).map(quantity.text) ?? "–" }
            })
    }

    /// A quantity against latency, a line for each way of joining.
    public func plot(of quantity: Quantity) -> SVGPlot {
        let series = joinings.map { joining in
            SVGPlot.Series(
                name: joining.description,
                points: latencies.compactMap { latency in
                    result(joining, at: latency).flatMap(quantity.value)
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
    /// Writes `latency.json` with all results, `latency.md` with the tables, and a picture of each quantity, `latency-score.svg` and so on.
    /// - Throws: `FileWriteError`; what was there before is then as it was.
    public func write(to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try writeAtomically(JSONEncoder.legible.encode(self), to: folder.appendingPathComponent("latency.json"))
        for quantity in Quantity.allCases {
            let picture = Data(plot(of: quantity).svg().utf8)
            try writeAtomically(picture, to: folder.appendingPathComponent(file(of: quantity)))
        }
        try writeAtomically(Data(markdown.utf8), to: folder.appendingPathComponent("latency.md"))
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
