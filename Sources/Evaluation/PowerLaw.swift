import Foundation

/// How a cost grows with a size: `cost = factor · size^exponent`.
///
/// Fitted by least squares to the logarithms of both, so that an error of ten percent counts the same at every size.
public struct PowerLaw: Codable, Sendable, Equatable {
    /// The slope on logarithmic axes: 0 where the size does not matter, 1 where the cost is proportional to it.
    public let exponent: Double
    /// The cost at size 1.
    public let factor: Double

    /// The law that fits points best; nil when fewer than two different sizes, or a number that has no logarithm, are among them.
    public init?(fitting points: [(size: Double, cost: Double)]) {
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

    /// The cost that the law tells for a size.
    public func cost(of size: Double) -> Double { factor * pow(size, exponent) }

    /// The sum of the squared errors of the logarithms.
    func squaredError(_ points: [(size: Double, cost: Double)]) -> Double {
        points.reduce(0) { $0 + pow(log($1.cost) - log(cost(of: $1.size)), 2) }
    }
}

/// Growth that follows one power law, or one up to a knee and another one beyond it.
public struct Growth: Codable, Sendable, Equatable {
    /// The law of all points.
    public let overall: PowerLaw
    /// Where the growth changes, if it does.
    public let knee: Knee?

    /// A change of the exponent.
    public struct Knee: Codable, Sendable, Equatable {
        /// The size at which both laws give the same cost.
        public let size: Double
        /// The law of the smaller sizes.
        public let below: PowerLaw
        /// The law of the larger sizes.
        public let above: PowerLaw
    }

    /// The smallest change of the exponent that counts as a knee.
    static let smallestChange = 0.25

    /// Fits points given by rising size; nil when no law fits them.
    ///
    /// There is a knee where two laws, of at least three points each, leave less than a quarter of the squared error of one and differ by
    /// at least 0.25 in the exponent.
    public init?(fitting points: [(size: Double, cost: Double)]) {
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
