/// A range that covers the true value in 95 of 100 repetitions of the experiment.
///
/// ```swift
/// let interval = result.successInterval
/// print("success rate \(result.successRate), 95 % interval \(interval.lower) to \(interval.upper)")
/// ```
public struct ConfidenceInterval: Codable, Sendable, Equatable {
    /// The lower end.
    public var lower: Double
    /// The upper end.
    public var upper: Double

    /// An interval with the given ends.
    package init(lower: Double, upper: Double) {
        self.lower = lower
        self.upper = upper
    }

    /// The interval of a mean: `x̄ ± t · s / √n` with Student's t for `n − 1` degrees of freedom, or nil for fewer
    /// than two values, which have no spread.
    ///
    /// It treats the seeds as a sample of all initial conditions. Best rewards are not normally distributed, but
    /// means of 50 nearly are.
    package init?(ofMean values: [Double]) {
        guard values.count >= 2 else { return nil }
        let center = mean(values)
        let squares = values.map { ($0 - center) * ($0 - center) }
        let standardError = (squares.reduce(0, +) / Double(values.count - 1) / Double(values.count)).squareRoot()
        let reach = StudentT(degreesOfFreedom: values.count - 1).criticalValue(confidence: 0.95) * standardError
        self.init(lower: center - reach, upper: center + reach)
    }

    /// The Wilson score interval of a proportion (Wilson 1927).
    ///
    /// Unlike the normal approximation, it stays inside 0 … 1 and is accurate at the ends.
    /// - Precondition: `0 ≤ successes ≤ trials` and `trials ≥ 1`.
    package init(ofProportion successes: Int, trials: Int) {
        precondition(trials >= 1 && (0...trials).contains(successes), "\(successes) successes in \(trials) trials")
        let z = 1.959963984540054  // the normal distribution's 97.5 % point
        let n = Double(trials)
        let proportion = Double(successes) / n
        let center = (proportion + z * z / (2 * n)) / (1 + z * z / n)
        let variance = proportion * (1 - proportion) / n + z * z / (4 * n * n)
        let reach = z * variance.squareRoot() / (1 + z * z / n)
        self.init(lower: max(0, center - reach), upper: min(1, center + reach))
    }
}

/// The arithmetic mean.
/// - Precondition: there is at least one value.
func mean(_ values: [Double]) -> Double {
    precondition(!values.isEmpty, "the mean of no values")
    return values.reduce(0, +) / Double(values.count)
}
