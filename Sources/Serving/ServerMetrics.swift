import Synchronization

/// What a policy server has done so far, for people who watch it.
final class ServerMetrics: Sendable {
    /// How a request ended.
    enum Outcome: String, CaseIterable {
        /// With actions.
        case answered
        /// It did not hold what the policy needs.
        case refused
        /// Too many waited.
        case rejected
        /// The policy had no answer.
        case failed
    }

    /// How an attempt to serve another policy ended.
    enum Reload: String, CaseIterable {
        /// With the new policy.
        case replaced
        /// With the old one.
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
        var unfamiliarObservations = 0
        var queue = 0
        var connections = 0
    }

    private let numbers = Mutex(Numbers())

    /// Counts a request, from its message to its answer.
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

    /// Counts predicted actions that were moved into the policy's limits.
    func clamped(_ count: Int) { numbers.withLock { $0.clampedActions += count } }

    /// Counts observations far outside of what the policy learned from.
    func unfamiliar(_ count: Int) { numbers.withLock { $0.unfamiliarObservations += count } }

    func queueLength(_ count: Int) { numbers.withLock { $0.queue = count } }

    /// Counts robots that come, or with −1 go.
    func connected(_ change: Int) { numbers.withLock { $0.connections += change } }

    /// Everything in the form of Prometheus.
    var text: String {
        let numbers = numbers.withLock { $0 }
        var text = PrometheusText()
        text.counter(
            "dpolicy_requests_total", "Requests by how they ended.", label: "outcome",
            Outcome.allCases.map { ($0.rawValue, numbers.outcomes[$0] ?? 0) })
        text.histogram("dpolicy_request_seconds", "From a request's message to its answer.", numbers.total)
        text.histogram("dpolicy_queue_seconds", "How long requests waited for their batch.", numbers.waiting)
        text.histogram("dpolicy_inference_seconds", "How long the policy took for a batch.", numbers.inference)
        text.histogram("dpolicy_batch_size", "Requests in a batch.", numbers.batches)
        text.counter(
            "dpolicy_reloads_total", "Attempts to serve another policy by how they ended.", label: "outcome",
            Reload.allCases.map { ($0.rawValue, numbers.reloads[$0] ?? 0) })
        text.counter(
            "dpolicy_clamped_actions_total", "Predicted actions that were moved into the policy's limits.",
            numbers.clampedActions)
        text.counter(
            "dpolicy_unfamiliar_observations_total",
            "Observations far outside of what the policy learned from.", numbers.unfamiliarObservations)
        text.gauge("dpolicy_queue_length", "Requests that wait now.", numbers.queue)
        text.gauge("dpolicy_connections", "Robots that are connected now.", numbers.connections)
        return text.text
    }
}
