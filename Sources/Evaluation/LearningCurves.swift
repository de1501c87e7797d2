/// Charts of a training run over its updates: what was measured, as points whose `x` counts updates.
public struct LearningCurves: Sendable, Equatable {
    /// The training loss.
    public var loss: [SVGPlot.Point]
    /// The loss on held-out episodes.
    public var validationLoss: [SVGPlot.Point]
    /// The mean squared error of sampled actions against the demonstrated ones.
    public var actionError: [SVGPlot.Point]
    /// The mean best reward of rollouts.
    public var score: [SVGPlot.Point]
    /// The share of rollouts that succeeded.
    public var successRate: [SVGPlot.Point]
    /// The learning rate.
    public var learningRate: [SVGPlot.Point]

    /// Charts of what was measured; what is left out was not.
    public init(
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

    /// The charts for which there is data: losses, sampled actions' error, rollouts, learning rate.
    public func plots() -> [SVGPlot] {
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

    /// The end of the horizontal axis, which all charts share, so that they can be read side by side.
    private var lastStep: Double {
        let ends = [loss, validationLoss, actionError, score, successRate, learningRate].compactMap(\.last?.x)
        return ends.reduce(1) { $1.isFinite ? max($0, $1) : $0 }
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
