/// Returns the value below which a fraction of the values lies, linearly interpolated between neighbors (Hyndman and
/// Fan 1996, type 7, NumPy's default).
/// - Precondition: there is at least one value.
package func quantile(_ fraction: Double, of values: [Double]) -> Double {
    precondition(!values.isEmpty, "the quantile \(fraction) of no values")
    let sorted = values.sorted()
    let position = fraction * Double(sorted.count - 1)
    let lower = Int(position)
    let upper = min(lower + 1, sorted.count - 1)
    return sorted[lower] + (position - Double(lower)) * (sorted[upper] - sorted[lower])
}
