/// The number of values below each of several bounds, as Prometheus counts them.
struct Histogram: Sendable {
    /// The bounds in ascending order.
    let bounds: [Double]
    /// The number of values up to each bound and above the previous one; the last element counts the values above
    /// all bounds.
    private(set) var counts: [Int]
    private(set) var sum = 0.0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = [Int](repeating: 0, count: bounds.count + 1)
    }

    /// Bounds for seconds, from a tenth of a millisecond to half a minute.
    static let seconds = Histogram(bounds: [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ])
    /// Bounds for batch sizes.
    static let sizes = Histogram(bounds: [1, 2, 4, 8, 16, 32, 64])

    mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}
