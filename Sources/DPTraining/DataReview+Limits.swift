import DPInterface
import DPPolicy

extension DataReview {
    /// Compares the action limits with the demonstrated actions and returns a warning for each component that
    /// exceeds them.
    /// - Parameter actions: relative to the origin of the statistics, `[frames, A]`.
    /// - Throws: `TrainingError.wrongData` when no demonstrated number of any component lies inside, or when all of
    ///   a component lie on one side.
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
        let holdsNothing = commanded.allSatisfy { outside[$0.index] == frames }
        func isApart(_ index: Int) -> Bool {
            upper[index] < action.minimum[index] || lower[index] > action.maximum[index]
        }
        if let component = commanded.first(where: { holdsNothing || isApart($0.index) }) {
            let index = component.index
            let ends = [action.minimum, action.maximum].map { action.raw($0[index], component: index) }
            throw TrainingError.wrongData(
                key: "policy.action.limits",
                expected: "limits around demonstrated numbers of \(component.name), from \(ends[0]) to \(ends[1])",
                found: "\(limits.lower[index]) … \(limits.upper[index]), and not one number inside")
        }
        return commanded.filter { outside[$0.index] > 0 }.map { component in
            let share = 100 * Double(outside[component.index]) / Double(frames)
            let (lower, upper) = (limits.lower[component.index], limits.upper[component.index])
            return """
                policy.action.limits: \(outside[component.index]) of \(frames) demonstrated \(component.name) (\(text(share)) %) lie outside of \
                \(lower) … \(upper), by up to \(text(excess[component.index])); actions will be clamped there
                """
        }
    }
}
