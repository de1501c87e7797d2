import Policies
import PolicyInterface

extension DataReview {
    /// Holds the limits of actions against those that were demonstrated, and tells a line for each component that leaves them.
    /// - Parameter actions: without the origin of the statistics, `[frames, A]`.
    /// - Throws: `TrainingError.wrongData` when no demonstrated number of any component lies inside, or when all of a component lie on one side.
    func limitWarnings(_ actions: [Float]) throws -> [String] {
        guard let limits = policy.action.limits else { return [] }
        let dimension = policy.action.dimension
        func relative(_ limit: [Double]) -> [Float] { zip(limit, action.origin).map { Float($0 - $1) } }
        let (lower, upper) = (relative(limits.lower), relative(limits.upper))
        var outside = [Int](repeating: 0, count: dimension)
        var excess = [Float](repeating: 0, count: dimension)
        for start in stride(from: 0, to: actions.count, by: dimension) {
            for component in 0..<dimension {
                let value = actions[start + component]
                let distance = max(lower[component] - value, value - upper[component])
                guard distance > 0 else { continue }
                outside[component] += 1
                excess[component] = max(excess[component], distance)
            }
        }
        let frames = actions.count / dimension
        let holdsNothing = commanded.allSatisfy { outside[$0.column] == frames }
        func isApart(_ column: Int) -> Bool {
            upper[column] < action.minimum[column] || lower[column] > action.maximum[column]
        }
        if let component = commanded.first(where: { holdsNothing || isApart($0.column) }) {
            let column = component.column
            let ends = [action.minimum, action.maximum].map { action.raw($0[column], column: column) }
            throw TrainingError.wrongData(
                key: "policy.action.limits",
                expected: "limits that hold demonstrated numbers of \(component.name), from \(ends[0]) to \(ends[1])",
                found: "\(limits.lower[column]) … \(limits.upper[column]), and not one number inside")
        }
        return commanded.filter { outside[$0.column] > 0 }.map { component in
            let share = 100 * Double(outside[component.column]) / Double(frames)
            let (lower, upper) = (limits.lower[component.column], limits.upper[component.column])
            return """
                policy.action.limits: \(outside[component.column]) of \(frames) demonstrated \(component.name) (\(text(share)) %) lie outside of \
                \(lower) … \(upper), by up to \(text(excess[component.column])); the policy will be held at the limit there
                """
        }
    }
}
