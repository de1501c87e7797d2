/// How long repetitions of one piece of work took, in milliseconds.
struct Timing: Codable {
    let median: Double
    let minimum: Double
    let maximum: Double
    /// 99 of 100 repetitions took at most as long.
    let p99: Double
    /// Every repetition, in the order in which they were made.
    let samples: [Double]

    /// - Precondition: there is at least one duration.
    init(_ durations: [Duration]) {
        precondition(!durations.isEmpty, "the timing of nothing")
        samples = durations.map { $0 / .milliseconds(1) }
        let sorted = samples.sorted()
        median = sorted[sorted.count / 2]
        minimum = sorted[0]
        maximum = sorted[sorted.count - 1]
        // The nearest rank: the smallest sample that is no smaller than 99 of 100.
        p99 = sorted[(99 * sorted.count + 99) / 100 - 1]
    }
}
