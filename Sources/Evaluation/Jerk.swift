/// How abruptly the commands of a robot change: the mean length of their third differences over time.
///
/// Of four consecutive actions at `rate` steps a second, the jerk is `‖a₃ − 3 a₂ + 3 a₁ − a₀‖ · rate³`, in units of the actions per s³ (pixels for Push-T): the
/// third derivative of a motion that follows its commands, by finite differences. It belongs to a chunk boundary when the four actions lie on both sides of one,
/// that is when a new chunk first had a say in one of the last three: there are three such places at each boundary. Of a way to join chunks that takes longer, such
/// as a blend of more than three steps, the rest counts to no boundary, only to the whole; so does a stop where actions have run out.
public struct Jerk: Codable, Sendable, Equatable {
    /// Mean over the places at chunk boundaries; nil if there were none.
    public var boundary: Double?
    /// Mean over all places; nil for fewer than four actions.
    public var overall: Double?

    /// A jerk of its means.
    public init(boundary: Double?, overall: Double?) {
        self.boundary = boundary
        self.overall = overall
    }

    /// The mean of the jerks of several episodes, each weighing the same; nil if there are none.
    public init?(meanOf jerks: [Jerk]) {
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
    /// How many actions ago a chunk began; the latest action is 0 ago.
    private var sinceBoundary = Int.max / 2
    private var boundary = (sum: 0.0, count: 0)
    private var overall = (sum: 0.0, count: 0)

    /// A meter of actions that follow each other at so many steps a second.
    init(rate: Double) { self.rate = rate }

    /// Takes note of the next action.
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
