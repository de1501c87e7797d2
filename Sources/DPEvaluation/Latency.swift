import DPBase

/// The durations of the policy's calls, in milliseconds; one call serves a whole batch of requests.
package struct Latency: Codable, Sendable, Equatable {
    /// Half of the calls were faster.
    package var median: Double
    /// 99 of 100 calls were faster.
    package var p99: Double
    /// Number of calls.
    package var calls: Int
    /// Most requests in one call.
    package var largestBatch: Int

    enum CodingKeys: String, CodingKey {
        case median
        case p99
        case calls
        case largestBatch = "largest_batch"
    }
}

/// Measures the policy's calls.
struct LatencyRecorder {
    private var milliseconds: [Double] = []
    private var largestBatch = 0
    private let clock = ContinuousClock()

    mutating func measure<Answer>(batch: Int, _ call: () throws -> Answer) rethrows -> Answer {
        let start = clock.now
        let answer = try call()
        milliseconds.append((clock.now - start) / .milliseconds(1))
        largestBatch = max(largestBatch, batch)
        return answer
    }

    func summary() -> Latency {
        Latency(
            median: quantile(0.5, of: milliseconds), p99: quantile(0.99, of: milliseconds), calls: milliseconds.count,
            largestBatch: largestBatch)
    }
}
