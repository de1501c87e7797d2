/// The jerk of a robot's commands: the mean norm of their third differences over time.
///
/// For four consecutive actions at `rate` steps per second, the jerk is `‖a₃ − 3 a₂ + 3 a₁ − a₀‖ · rate³`, in units
/// of the actions per s³ (pixels for Push-T): the third derivative, by finite differences, of a motion that follows
/// its commands. It belongs to a chunk boundary when the four actions lie on both sides of one, that is, when a new
/// chunk first affects one of the last three; each boundary has three such positions. If merging takes longer, as
/// in a blend of more than three steps, the remaining steps count only toward the overall mean, not toward a
/// boundary; so does a stop after the actions have run out.
package struct Jerk: Codable, Sendable, Equatable {
    /// Mean over the positions at chunk boundaries; nil if there were none.
    package var boundary: Double?
    /// Mean over all positions; nil for fewer than four actions.
    package var overall: Double?

    /// A jerk with the given means.
    package init(boundary: Double?, overall: Double?) {
        self.boundary = boundary
        self.overall = overall
    }

    /// The mean of the jerks of several episodes, with equal weights; nil if there are none.
    package init?(meanOf jerks: [Jerk]) {
        func middle(_ values: [Double]) -> Double? { values.isEmpty ? nil : mean(values) }
        guard let overall = middle(jerks.compactMap(\.overall)) else { return nil }
        self.init(boundary: middle(jerks.compactMap(\.boundary)), overall: overall)
    }
}

/// Measures jerk as actions are executed.
struct JerkMeter {
    private let rate: Double
    /// The latest four actions, the oldest first.
    private var window: [[Double]] = []
    /// Number of actions since a chunk began; 0 for its first action.
    private var sinceBoundary = Int.max / 2
    private var boundary = (sum: 0.0, count: 0)
    private var overall = (sum: 0.0, count: 0)

    /// A meter for actions at a rate in steps per second.
    init(rate: Double) { self.rate = rate }

    /// Adds the next action.
    mutating func add(_ action: [Double], startsChunk: Bool) {
        sinceBoundary = startsChunk ? 0 : sinceBoundary + 1
        window.append(action)
        if window.count < 4 { return }
        if window.count > 4 { window.removeFirst() }
        let squares = action.indices.map { component in
            let values = window.map { $0[component] }
            let difference = values[3] - 3 * values[2] + 3 * values[1] - values[0]
            return difference * difference
        }
        let jerk = squares.reduce(0, +).squareRoot() * rate * rate * rate
        overall = (overall.sum + jerk, overall.count + 1)
        if sinceBoundary <= 2 { boundary = (boundary.sum + jerk, boundary.count + 1) }
    }

    /// The means so far; nil for fewer than four actions.
    var jerk: Jerk? {
        guard overall.count > 0 else { return nil }
        return Jerk(
            boundary: boundary.count > 0 ? boundary.sum / Double(boundary.count) : nil,
            overall: overall.sum / Double(overall.count))
    }
}
