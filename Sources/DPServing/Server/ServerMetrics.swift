import Synchronization

/// The metrics of a policy server since it started.
final class ServerMetrics: Sendable {
    /// The outcome of a request.
    enum Outcome: String, CaseIterable {
        /// The server returned actions.
        case answered
        /// The request lacked something that the policy needs, or was invalid.
        case invalid
        /// The queue was full, or the server was shutting down.
        case queueFull = "queue_full"
        /// The policy failed.
        case failed
    }

    /// The outcome of an attempt to replace the policy.
    enum Reload: String, CaseIterable {
        /// The server serves the new policy.
        case replaced
        /// The server still serves the old policy.
        case failed
    }

    private struct Numbers {
        var outcomes: [Outcome: Int] = [:]
        var reloads: [Reload: Int] = [:]
        var total = Histogram.seconds
        var waiting = Histogram.seconds
        var inference = Histogram.seconds
        var batches = Histogram.sizes
        var clampedActions = 0
        var outOfRangeObservations = 0
        var queue = 0
        var connections = 0
    }

    private let numbers = Mutex(Numbers())

    /// Counts a request and the time from its message to its response.
    func ended(_ outcome: Outcome, after time: Duration) {
        numbers.withLock { numbers in
            numbers.outcomes[outcome, default: 0] += 1
            if outcome == .answered { numbers.total.add(time / .seconds(1)) }
        }
    }

    func waited(_ time: Duration) { numbers.withLock { $0.waiting.add(time / .seconds(1)) } }

    func inferred(_ time: Duration, batch: Int) {
        numbers.withLock { numbers in
            numbers.inference.add(time / .seconds(1))
            numbers.batches.add(Double(batch))
        }
    }

    func reloaded(_ outcome: Reload) { numbers.withLock { $0.reloads[outcome, default: 0] += 1 } }

    /// Counts predicted actions that were clamped to the policy's limits.
    func clamped(_ count: Int) { numbers.withLock { $0.clampedActions += count } }

    /// Counts observations far outside the training data.
    func outOfRange(_ count: Int) { numbers.withLock { $0.outOfRangeObservations += count } }

    func queueLength(_ count: Int) { numbers.withLock { $0.queue = count } }

    /// Counts a client that connects, or with −1 disconnects.
    func connected(_ change: Int) { numbers.withLock { $0.connections += change } }

    /// All metrics in the text format of Prometheus.
    var text: String {
        let numbers = numbers.withLock { $0 }
        var text = PrometheusText()
        text.counter(
            "dpolicy_requests_total", "Requests by outcome.", label: "outcome",
            Outcome.allCases.map { ($0.rawValue, numbers.outcomes[$0] ?? 0) })
        text.histogram("dpolicy_request_seconds", "Seconds from a request's message to its response.", numbers.total)
        text.histogram("dpolicy_queue_seconds", "Seconds that requests waited for their batch.", numbers.waiting)
        text.histogram("dpolicy_inference_seconds", "Seconds that the policy took for a batch.", numbers.inference)
        text.histogram("dpolicy_batch_size", "Requests in a batch.", numbers.batches)
        text.counter(
            "dpolicy_reloads_total", "Attempts to replace the policy by outcome.", label: "outcome",
            Reload.allCases.map { ($0.rawValue, numbers.reloads[$0] ?? 0) })
        text.counter(
            "dpolicy_clamped_actions_total", "Predicted actions that were clamped to the policy's limits.",
            numbers.clampedActions)
        text.counter(
            "dpolicy_out_of_range_observations_total",
            "Observations far outside the training data.", numbers.outOfRangeObservations)
        text.gauge("dpolicy_queue_length", "Requests waiting now.", numbers.queue)
        text.gauge("dpolicy_connections", "Clients connected now.", numbers.connections)
        return text.text
    }
}
