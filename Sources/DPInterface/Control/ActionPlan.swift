import Foundation

/// The planned actions, one per control step; new chunks are merged into it as they arrive.
struct ActionPlan: Sendable {
    /// The control step of the first stored action.
    private(set) var first: Int
    /// At least one action, for consecutive steps.
    private(set) var actions: [PlannedAction]
    /// The number of predictions averaged in each action.
    private var predictions: [Int]

    /// Creates a plan from the actions of a chunk that is executed from a control step on.
    init(_ chunk: ActionChunk, from first: Int, by merging: ChunkMerging) {
        self.first = first
        actions = merging.usableActions(of: chunk)
        predictions = Array(repeating: 1, count: actions.count)
    }

    /// The step after the last action.
    var end: Int { first + actions.count }

    /// The action for a step; after the end, the last action is held.
    subscript(step: Int) -> PlannedAction { actions[min(max(step - first, 0), actions.count - 1)] }

    /// Merges a chunk into the plan.
    /// - Parameters:
    ///   - chunk: the predicted chunk.
    ///   - observed: the control step of the newest observation in its request.
    ///   - next: the first step whose action can still change.
    ///   - merging: the merging method.
    mutating func merge(_ chunk: ActionChunk, observed: Int, next: Int, by merging: ChunkMerging) {
        let usable = merging.usableActions(of: chunk)
        // If all actions are stale, the last one is still executed.
        let late = merging.keepsTime ? min(next - observed, usable.count - 1) : 0
        merge(usable.dropFirst(late), from: next, atLeast: merging.blendedSteps + 1) { plan, action, step in
            switch merging {
            case .synchronous, .naiveAsync, .skipStale, .warmStart:
                return (action, 1)
            case .linearBlend(let steps):
                let fraction = Double(step - next + 1) / Double(steps + 1)
                return (fraction < 1 ? .mix(plan[step], action, fraction: fraction) : action, 1)
            case .temporalEnsembling(let decay):
                guard step < plan.end else { return (action, 1) }
                let count = plan.predictions[step - plan.first]
                // Weights relative to that of the new prediction: an overflow to infinity then gives 0 instead of
                // NaN.
                let weights = (0...count).map { exp(decay * Double(count - $0)) }
                return (.mix(plan[step], action, fraction: 1 / weights.reduce(0, +)), count + 1)
            }
        }
    }

    /// Replaces the actions from a step on with the results of a function of the current plan, the action of the
    /// chunk, and the step.
    ///
    /// If the chunk has fewer actions than the transition takes, its last one is held.
    private mutating func merge(
        _ incoming: ArraySlice<PlannedAction>, from next: Int, atLeast count: Int,
        _ combine: (ActionPlan, PlannedAction, Int) -> (action: PlannedAction, predictions: Int)
    ) {
        let merged = (0..<max(incoming.count, count)).map { offset in
            combine(self, incoming[incoming.startIndex + min(offset, incoming.count - 1)], next + offset)
        }
        // After the end of the plan, its last action was held.
        while end < next { append(self[next], predictions: 1) }
        actions.removeLast(end - next)
        predictions.removeLast(predictions.count - actions.count)
        for item in merged { append(item.action, predictions: item.predictions) }
    }

    private mutating func append(_ action: PlannedAction, predictions count: Int) {
        actions.append(action)
        predictions.append(count)
    }

    /// Removes the actions before a step.
    mutating func forget(before step: Int) {
        let count = min(max(step - first, 0), actions.count - 1)
        actions.removeFirst(count)
        predictions.removeFirst(count)
        first += count
    }
}
