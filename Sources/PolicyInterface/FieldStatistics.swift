/// What the numbers of a field range over, column by column; a normaliser is fitted from it.
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

    /// Statistics from their parts, one number a column.
    public init(minimum: [Float], maximum: [Float], mean: [Float], standardDeviation: [Float]) {
        self.minimum = minimum
        self.maximum = maximum
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    /// The statistics of no columns at all.
    public static let none = FieldStatistics(minimum: [], maximum: [], mean: [], standardDeviation: [])

    /// The statistics of rows of numbers, `[rows, columns]` in row-major order, summed in double precision.
    ///
    /// Mean and deviation come from Welford's recurrence (1962), which loses nothing when the mean is large beside
    /// the deviation.
    /// - Precondition: there is at least one row, and `values` holds whole rows.
    public init(rows values: [Float], columns: Int) {
        precondition(
            columns > 0 && !values.isEmpty && values.count % columns == 0,
            "\(values.count) numbers in rows of \(columns)")
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
    }

    /// Whether a column never changes: its range is zero, or no more than rounding in single precision beside the size of its numbers.
    ///
    /// The units do not matter. Neighboring numbers of single precision lie an `ulp` apart; what spans at most four of them cannot be told
    /// from rounding, and stretching it would make noise large.
    public func isConstant(_ column: Int) -> Bool {
        let range = maximum[column] - minimum[column]
        return range <= 4 * max(abs(minimum[column]), abs(maximum[column])).ulp || 2 / range == .infinity
    }

    /// The columns that never change.
    public var constantColumns: [Int] { minimum.indices.filter(isConstant) }
}
