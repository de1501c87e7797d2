import Foundation

/// A power law of a cost as a function of a size: `cost = factor · size^exponent`.
///
/// Fitted by least squares to the logarithms of both, so that an error of ten percent counts the same at every size.
package struct PowerLaw: Codable, Sendable, Equatable {
    /// The slope on logarithmic axes: 0 where the size does not matter, 1 where the cost is proportional to it.
    package let exponent: Double
    /// The cost at size 1.
    package let factor: Double

    /// The law that fits points best; nil when they have fewer than two different sizes, or a number that is not
    /// positive and finite.
    package init?(fitting points: [(size: Double, cost: Double)]) {
        guard points.allSatisfy({ $0.size > 0 && $0.cost > 0 && $0.size.isFinite && $0.cost.isFinite }) else {
            return nil
        }
        let (x, y) = (points.map { log($0.size) }, points.map { log($0.cost) })
        guard Set(x).count > 1 else { return nil }
        let (meanX, meanY) = (mean(x), mean(y))
        let covariance = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
        exponent = covariance / x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
        factor = exp(meanY - exponent * meanX)
    }

    /// The cost that the law predicts for a size.
    package func cost(of size: Double) -> Double { factor * pow(size, exponent) }

    /// The sum of the squared errors of the logarithms.
    func squaredError(_ points: [(size: Double, cost: Double)]) -> Double {
        points.reduce(0) { $0 + pow(log($1.cost) - log(cost(of: $1.size)), 2) }
    }
}

/// Growth that follows one power law, or one below a knee and another one above it.
package struct Growth: Codable, Sendable, Equatable {
    /// The law of all points.
    package let overall: PowerLaw
    /// Where the growth changes, if it does.
    package let knee: Knee?

    /// A change of the exponent.
    package struct Knee: Codable, Sendable, Equatable {
        /// The size at which both laws give the same cost.
        package let size: Double
        /// The law of the smaller sizes.
        package let below: PowerLaw
        /// The law of the larger sizes.
        package let above: PowerLaw
    }

    /// The smallest change of the exponent that counts as a knee.
    static let smallestChange = 0.25

    /// Fits points in order of increasing size; nil when no law fits them.
    ///
    /// There is a knee when two laws, of at least three points each, have less than a quarter of the squared error
    /// of one law and their exponents differ by at least 0.25.
    package init?(fitting points: [(size: Double, cost: Double)]) {
        guard let overall = PowerLaw(fitting: points) else { return nil }
        self.overall = overall
        var best: (error: Double, knee: Knee)?
        for split in stride(from: 3, through: points.count - 3, by: 1) {
            let (first, second) = (Array(points[..<split]), Array(points[split...]))
            guard let below = PowerLaw(fitting: first), let above = PowerLaw(fitting: second),
                abs(above.exponent - below.exponent) >= Self.smallestChange
            else { continue }
            let error = below.squaredError(first) + above.squaredError(second)
            let size = pow(below.factor / above.factor, 1 / (above.exponent - below.exponent))
            if error < best?.error ?? .infinity { best = (error, Knee(size: size, below: below, above: above)) }
        }
        knee = best.flatMap { $0.error < overall.squaredError(points) / 4 ? $0.knee : nil }
    }
}
