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
        let sorted = samples.sorted()
        median = sorted[sorted.count / 2]
        minimum = sorted[0]
        maximum = sorted[sorted.count - 1]
        // The nearest rank: the smallest sample that is not below 99 % of the samples.
        p99 = sorted[(99 * sorted.count + 99) / 100 - 1]
    }
}
