import Foundation

/// The statistics of a feature, component by component; a normalizer is fitted from them.
///
/// All numbers are given after the origin of their component is subtracted.
package struct FeatureStatistics: Codable, Sendable, Equatable {
    /// The smallest number of each component.
    package var minimum: [Float]
    /// The largest number of each component.
    package var maximum: [Float]
    /// The mean of each component.
    package var mean: [Float]
    /// The standard deviation of each component, with `count − 1` in the denominator as in the `torch.std` of the
    /// reference.
    package var standardDeviation: [Float]
    /// The number of each component below which one hundredth of its numbers lies.
    package var lowerQuantile: [Float]
    /// The number of each component above which one hundredth of its numbers lies.
    package var upperQuantile: [Float]
    /// The components with an extreme far from all other numbers.
    package var outliers: [Outlier]
    /// The value subtracted from each component in double precision, because single precision cannot hold its
    /// numbers; 0 for most.
    package var origin: [Double]

    enum CodingKeys: String, CodingKey {
        case minimum
        case maximum
        case mean
        case standardDeviation = "standard_deviation"
        case lowerQuantile = "q01"
        case upperQuantile = "q99"
        case outliers
        case origin
    }

    /// An extreme whose distance beyond the quantiles of its component is larger than the distance between them.
    package struct Outlier: Codable, Sendable, Equatable {
        /// The component.
        package var component: Int
        /// The extreme.
        package var value: Float
        /// The row of the extreme.
        package var row: Int

        /// Creates an outlier.
        package init(component: Int, value: Float, row: Int) {
            self.component = component
            self.value = value
            self.row = row
        }
    }

    /// Creates statistics from one number per component; quantiles that are not given are the extremes.
    package init(
        minimum: [Float], maximum: [Float], mean: [Float], standardDeviation: [Float], lowerQuantile: [Float]? = nil,
        upperQuantile: [Float]? = nil, outliers: [Outlier] = [], origin: [Double]? = nil
    ) {
        self.minimum = minimum
        self.maximum = maximum
        self.mean = mean
        self.standardDeviation = standardDeviation
        self.lowerQuantile = lowerQuantile ?? minimum
        self.upperQuantile = upperQuantile ?? maximum
        self.outliers = outliers
        self.origin = origin ?? [Double](repeating: 0, count: minimum.count)
    }

    /// The statistics of a feature without components.
    package static let none = FeatureStatistics(minimum: [], maximum: [], mean: [], standardDeviation: [])

    /// Computes the statistics of rows of numbers, `[rows, components]` in row-major order, summed in double
    /// precision.
    ///
    /// Mean and deviation come from Welford's recurrence (1962), which loses no precision when the mean is large
    /// compared to the deviation. Quantiles are interpolated linearly, as in NumPy.
    /// - Parameters:
    ///   - values: the numbers without the origin.
    ///   - components: the number of components in a row.
    ///   - origin: the value subtracted from each component; nothing if not given.
    /// - Precondition: there is at least one row, and `values` holds whole rows.
    package init(rows values: [Float], components: Int, origin: [Double]? = nil) {
        precondition(
            components > 0 && !values.isEmpty && values.count % components == 0,
            "\(values.count) numbers in rows of \(components)")
        self.origin = origin ?? [Double](repeating: 0, count: components)
        minimum = Array(values[..<components])
        maximum = minimum
        var mean = [Double](repeating: 0, count: components)
        var squares = mean
        for row in 0..<values.count / components {
            for component in 0..<components {
                let value = values[row * components + component]
                minimum[component] = min(minimum[component], value)
                maximum[component] = max(maximum[component], value)
                let difference = Double(value) - mean[component]
                mean[component] += difference / Double(row + 1)
                squares[component] += difference * (Double(value) - mean[component])
            }
        }
        let freedom = Double(max(values.count / components - 1, 1))
        self.mean = mean.map(Float.init)
        standardDeviation = squares.map { Float(($0 / freedom).squareRoot()) }
        (lowerQuantile, upperQuantile, outliers) = ([], [], [])
        var sorted = [Float](repeating: 0, count: values.count / components)
        for component in 0..<components {
            for row in sorted.indices { sorted[row] = values[row * components + component] }
            sorted.sort()
            lowerQuantile.append(sorted.quantile(0.01))
            upperQuantile.append(sorted.quantile(0.99))
            guard let extreme = sorted.outlier else { continue }
            let row = sorted.indices.first { values[$0 * components + component] == extreme } ?? 0
            outliers.append(Outlier(component: component, value: extreme, row: row))
        }
    }

    /// Returns whether a component is constant: its range is zero, or no larger than rounding in single precision
    /// relative to the size of its numbers.
    ///
    /// The units do not matter. Neighboring numbers of single precision lie an `ulp` apart; a range of at most four
    /// of them cannot be distinguished from rounding, and scaling it up would amplify noise.
    package func isConstant(_ component: Int) -> Bool { Self.isConstant(minimum[component], maximum[component]) }

    /// Returns the same for numbers between two bounds.
    package static func isConstant(_ lower: Float, _ upper: Float) -> Bool {
        upper - lower <= 4 * max(abs(lower), abs(upper)).ulp || 2 / (upper - lower) == .infinity
    }

    /// Returns the original number of a component as text: with as many digits as single precision has, or all of
    /// them if there is an origin.
    package func raw(_ value: Float, component: Int) -> String {
        origin[component] == 0 ? String(format: "%.6g", Double(value)) : "\(origin[component] + Double(value))"
    }

    /// The constant components.
    package var constantComponents: [Int] { minimum.indices.filter(isConstant) }
}

extension [Float] {
    /// Returns the number below which a fraction of these sorted numbers lies.
    fileprivate func quantile(_ part: Double) -> Float {
        let place = part * Double(count - 1)
        let index = Swift.min(Int(place), count - 1)
        let next = self[Swift.min(index + 1, count - 1)]
        return Float(Double(self[index]) + (place - Double(index)) * (Double(next) - Double(self[index])))
    }

    /// The extreme of these sorted numbers whose distance beyond the hundredth on its side is larger than the
    /// distance between the two hundredths; nil if there is none, or if more than a few numbers lie that far away,
    /// as with a button that is pressed at times.
    fileprivate var outlier: Float? {
        // The indices are rounded toward the middle, so that a single extreme among few numbers does not affect its
        // own threshold.
        let cut = Swift.max(1, (count + 99) / 100)
        guard count > 2 * cut else { return nil }
        let (low, high) = (self[cut], self[count - 1 - cut])
        let width = high - low
        let (below, above) = (low - self[0], self[count - 1] - high)
        let extreme = below > above ? self[0] : self[count - 1]
        guard Swift.max(below, above) > width, Swift.max(below, above) > 4 * Swift.max(abs(low), abs(high)).ulp else {
            return nil
        }
        let far = filter { $0 < low - width || $0 > high + width }.count
        return far <= Swift.max(1, count / 1000) || width > 0 ? extreme : nil
    }
}
