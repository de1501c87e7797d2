package import PolicyInterface

extension FieldStatistics {
    /// The number that a constant column has, for people.
    package func constant(_ column: Int) -> String { raw(minimum[column], column: column) }

    /// Between which numbers 98 % of a column lie, for people.
    package func usualRange(_ column: Int) -> String {
        "\(raw(lowerQuantile[column], column: column)) … \(raw(upperQuantile[column], column: column))"
    }
}
