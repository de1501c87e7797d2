/// Measurements of a training run for its charts, as points whose `x` is the training step.
package struct LearningCurves: Sendable, Equatable {
    /// The training loss.
    package var loss: [SVGPlot.Point]
    /// The loss on held-out episodes.
    package var validationLoss: [SVGPlot.Point]
    /// The mean squared error of sampled actions against the demonstrated ones.
    package var actionError: [SVGPlot.Point]
    /// The mean best reward of rollouts.
    package var score: [SVGPlot.Point]
    /// The fraction of rollouts that succeeded.
    package var successRate: [SVGPlot.Point]
    /// The learning rate.
    package var learningRate: [SVGPlot.Point]

    /// Curves of the given measurements; omitted ones were not made.
    package init(
        loss: [SVGPlot.Point] = [], validationLoss: [SVGPlot.Point] = [], actionError: [SVGPlot.Point] = [],
        score: [SVGPlot.Point] = [], successRate: [SVGPlot.Point] = [], learningRate: [SVGPlot.Point] = []
    ) {
        self.loss = loss
        self.validationLoss = validationLoss
        self.actionError = actionError
        self.score = score
        self.successRate = successRate
        self.learningRate = learningRate
    }

    /// Returns the charts for which there is data: losses, error of sampled actions, rollouts, learning rate.
    package func plots() -> [SVGPlot] {
        [
            plot("Loss", [("training", loss), ("validation", validationLoss)], scale: .logarithmic),
            plot("Error of sampled actions", [("mean squared error", actionError)], scale: .logarithmic),
            plot("Rollouts", [("score", score), ("success rate", successRate)], range: 0...1),
            plot("Learning rate", [("learning rate", learningRate)]),
        ].compactMap { $0 }
    }

    private func plot(
        _ title: String, _ curves: [(String, [SVGPlot.Point])], scale: AxisScale = .linear,
        range: ClosedRange<Double>? = nil
    ) -> SVGPlot? {
        let series = curves.filter { !$0.1.isEmpty }.map { SVGPlot.Series(name: $0, points: Self.thinned($1)) }
        if series.isEmpty { return nil }
        return SVGPlot(
            title: title, horizontalLabel: "step", series: series, verticalScale: scale,
            horizontalRange: 0...lastStep, verticalRange: range)
    }

    /// The end of the horizontal axis, which is the same for all charts, so that they can be compared.
    private var lastStep: Double {
        let ends = [loss, validationLoss, actionError, score, successRate, learningRate].compactMap(\.last?.x)
        return ends.reduce(1) { $1.isFinite ? max($0, $1) : $0 }
    }

    /// Returns at most 500 points, each the mean of its neighbors, which keeps the page small and the curve smooth.
    ///
    /// Neighbors that are not finite remain visible as a gap.
    static func thinned(_ points: [SVGPlot.Point]) -> [SVGPlot.Point] {
        let group = (points.count + 499) / 500
        if group <= 1 { return points }
        return stride(from: 0, to: points.count, by: group).map { start in
            let neighbors = points[start..<min(start + group, points.count)]
            return SVGPlot.Point(x: mean(neighbors.map(\.x)), y: mean(neighbors.map(\.y)))
        }
    }
}
