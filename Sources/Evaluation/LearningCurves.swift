/// Charts of a training run over its steps.
public struct LearningCurves: Sendable, Equatable {
    /// The rows of `metrics.jsonl`, in order of the steps.
    public var metrics: [MetricsRow]

    /// Charts of the given rows.
    public init(metrics: [MetricsRow]) {
        self.metrics = metrics
    }

    /// The charts for which there is data: losses, sampled actions' error, rollouts, learning rate.
    public func plots() -> [SVGPlot] {
        [
            plot("Loss", [("training", \.loss), ("validation", \.validationLoss)], scale: .logarithmic),
            plot("Error of sampled actions", [("mean squared error", \.actionMSE)], scale: .logarithmic),
            plot("Rollouts", [("score", \.score), ("success rate", \.successRate)], range: 0...1),
            plot("Learning rate", [("learning rate", \.learningRate)]),
        ].compactMap { $0 }
    }

    private func plot(
        _ title: String, _ columns: [(String, KeyPath<MetricsRow, Double?>)], scale: AxisScale = .linear,
        range: ClosedRange<Double>? = nil
    ) -> SVGPlot? {
        let series = columns.map { name, column in
            let points = metrics.compactMap { row in
                row[keyPath: column].map { SVGPlot.Point(x: Double(row.step), y: $0) }
            }
            return SVGPlot.Series(name: name, points: Self.thinned(points))
        }.filter { !$0.points.isEmpty }
        if series.isEmpty { return nil }
        // All charts share one horizontal axis, so that they can be read side by side.
        let lastStep = Double(metrics.map(\.step).max() ?? 0)
        return SVGPlot(
            title: title, horizontalLabel: "step", series: series, verticalScale: scale,
            horizontalRange: 0...max(lastStep, 1), verticalRange: range)
    }

    /// At most 500 points: each the mean of its neighbours, which keeps the page small and the curve calm.
    ///
    /// Neighbours that are not finite stay visible as a gap.
    static func thinned(_ points: [SVGPlot.Point]) -> [SVGPlot.Point] {
        let group = (points.count + 499) / 500
        if group <= 1 { return points }
        return stride(from: 0, to: points.count, by: group).map { start in
            let neighbours = points[start..<min(start + group, points.count)]
            return SVGPlot.Point(x: mean(neighbours.map(\.x)), y: mean(neighbours.map(\.y)))
        }
    }
}
