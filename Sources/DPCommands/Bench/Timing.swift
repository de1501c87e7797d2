import DPBase

/// The durations of repetitions, in milliseconds.
struct Timing: Codable {
    let median: Double
    let minimum: Double
    let maximum: Double
    /// The 99th percentile.
    let p99: Double
    /// Every repetition, in measurement order.
    let samples: [Double]

    /// - Precondition: there is at least one duration.
    init(_ durations: [Duration]) {
        precondition(!durations.isEmpty, "a timing needs at least one duration")
        samples = durations.map { $0 / .milliseconds(1) }
        median = quantile(0.5, of: samples)
        minimum = quantile(0, of: samples)
        maximum = quantile(1, of: samples)
        p99 = quantile(0.99, of: samples)
    }
}
