import Foundation

/// What the numbers of a field range over, column by column; a normaliser is fitted from it.
///
/// All numbers are told as they are after the origin of their column is taken away.
public struct FieldStatistics: Codable, Sendable, Equatable {
    /// The smallest number of each column.
    public var minimum: [Float]
    /// The largest number of each column.
    public var maximum: [Float]
    /// The mean of each column.
    public var mean: [Float]
    /// The standard deviation of each column, with `count − 1` in the denominator as the reference's `torch.std` has
    /// it.
    public var standardDeviation: [Float]
    /// The number of each column below which one hundredth of its numbers lie.
    public var lowerQuantile: [Float]
    /// The number of each column above which one hundredth of its numbers lie.
    public var upperQuantile: [Float]
    /// The columns of which an extreme lies far from all other numbers.
    public var outliers: [Outlier]
    /// What was subtracted from each column in double precision, since single precision cannot hold its numbers; 0 for most.
    public var origin: [Double]

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

    /// An extreme that lies farther beyond the quantiles of its column than these are apart.
    public struct Outlier: Codable, Sendable, Equatable {
        /// The column.
        public var column: Int
        /// The extreme.
        public var value: Float
        /// The row that it stands in.
        public var row: Int

        /// An extreme and its place.
        public init(column: Int, value: Float, row: Int) {
            self.column = column
            self.value = value
            self.row = row
        }
    }

    /// Statistics from their parts, one number a column; the quantiles are the extremes if not given.
    public init(
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

    /// The statistics of no columns at all.
    public static let none = FieldStatistics(minimum: [], maximum: [], mean: [], standardDeviation: [])

    /// The statistics of rows of numbers, `[rows, columns]` in row-major order, summed in double precision.
    ///
    /// Mean and deviation come from Welford's recurrence (1962), which loses nothing when the mean is large beside
    /// the deviation. Quantiles are interpolated linearly, as NumPy's are.
    /// - Parameters:
    ///   - values: the numbers without the origin.
    ///   - columns: how many numbers a row has.
    ///   - origin: what was subtracted from each column; nothing if not given.
    /// - Precondition: there is at least one row, and `values` holds whole rows.
    public init(rows values: [Float], columns: Int, origin: [Double]? = nil) {
        precondition(
            columns > 0 && !values.isEmpty && values.count % columns == 0,
            "\(values.count) numbers in rows of \(columns)")
        self.origin = origin ?? [Double](repeating: 0, count: columns)
        minimum = Array(values[..<columns])
        maximum = minimum
        var mean = [Double](repeating: 0, count: columns)
        var squares = mean
        for row in 0..<values.count / columns {
            for column in 0..<columns {
                let value = values[row * columns + column]
                minimum[column] = min(minimum[column], value)
                maximum[column] = max(maximum[column], value)
                let difference = Double(value) - mean[column]
                mean[column] += difference / Double(row + 1)
                squares[column] += difference * (Double(value) - mean[column])
            }
        }
        let freedom = Double(max(values.count / columns - 1, 1))
        self.mean = mean.map(Float.init)
        standardDeviation = squares.map { Float(($0 / freedom).squareRoot()) }
        (lowerQuantile, upperQuantile, outliers) = ([], [], [])
        var sorted = [Float](repeating: 0, count: values.count / columns)
        for column in 0..<columns {
            for row in sorted.indices { sorted[row] = values[row * columns + column] }
            sorted.sort()
            lowerQuantile.append(sorted.quantile(0.01))
            upperQuantile.append(sorted.quantile(0.99))
            guard let extreme = sorted.outlier else { continue }
            let row = sorted.indices.first { values[$0 * columns + column] == extreme } ?? 0
            outliers.append(Outlier(column: column, value: extreme, row: row))
        }
    }

    /// Whether a column never changes: its range is zero, or no more than rounding in single precision beside the size of its numbers.
    ///
    /// The units do not matter. Neighboring numbers of single precision lie an `ulp` apart; what spans at most four of them cannot be told
    /// from rounding, and stretching it would make noise large.
    public func isConstant(_ column: Int) -> Bool { Self.isConstant(minimum[column], maximum[column]) }

    /// The same of numbers between two ends.
    public static func isConstant(_ lower: Float, _ upper: Float) -> Bool {
        upper - lower <= 4 * max(abs(lower), abs(upper)).ulp || 2 / (upper - lower) == .infinity
    }

    /// A number of a column as it was, for people: with as many digits as single precision has, or all where there is an origin.
    public func raw(_ value: Float, column: Int) -> String {
        origin[column] == 0 ? String(format: "%.6g", Double(value)) : "\(origin[column] + Double(value))"
    }

    /// The columns that never change.
    public var constantColumns: [Int] { minimum.indices.filter(isConstant) }
}

extension [Float] {
    /// The number below which a part of these sorted numbers lies.
    fileprivate func quantile(_ part: Double) -> Float {
        let place = part * Double(count - 1)
        let index = Swift.min(Int(place), count - 1)
        let next = self[Swift.min(index + 1, count - 1)]
        return Float(Double(self[index]) + (place - Double(index)) * (Double(next) - Double(self[index])))
    }

    /// The extreme of these sorted numbers that lies farther beyond the hundredth on its side than the two hundredths are apart; nil when none
    /// does, or more than a few numbers do, as where a button is pressed at times.
    fileprivate var outlier: Float? {
        // Whole places toward the middle, so that a single extreme among few numbers is not a part of its own measure.
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
