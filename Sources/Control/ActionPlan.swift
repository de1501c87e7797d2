import Foundation
import PolicyInterface

/// The actions that are to take effect, one a control step; chunks are joined into it as they come.
struct ActionPlan: Sendable {
    /// The control step of the first action that is kept.
    private(set) var first: Int
    /// At least one action, for consecutive steps.
    private(set) var actions: [PlannedAction]
    /// How many predictions each action is the mean of.
    private var predictions: [Int]

    /// A plan of the actions of a chunk that is executed from a control step on.
    init(_ chunk: ActionChunk, from first: Int, by joining: Joining) {
        self.first = first
        actions = joining.usableActions(of: chunk)
        predictions = Array(repeating: 1, count: actions.count)
    }

    /// The step behind the last action.
    var end: Int { first + actions.count }

    /// The action for a step; behind the end the last one is held.
    subscript(step: Int) -> PlannedAction { actions[min(max(step - first, 0), actions.count - 1)] }

    /// Joins a chunk into the plan.
    /// - Parameters:
    ///   - chunk: the policy's answer.
    ///   - observed: the control step of the newest observation that it is an answer to.
    ///   - next: the first step whose action can still be changed.
    ///   - joining: how.
    mutating func join(_ chunk: ActionChunk, observed: Int, next: Int, by joining: Joining) {
        let usable = joining.usableActions(of: chunk)
        // Something has to be done even if all come too late: the last one.
        let late = joining.keepsTime ? min(next - observed, usable.count - 1) : 0
        join(usable.dropFirst(late), from: next, atLeast: joining.blendedSteps + 1) { plan, action, step in
            switch joining {
            case .waiting, .naive, .dropping, .warmStart:
                return (action, 1)
            case .blending(let steps):
                let share = Double(step - next + 1) / Double(steps + 1)
                return (share < 1 ? .mix(plan[step], action, share: share) : action, 1)
            case .ensembling(let decay):
                guard step < plan.end else { return (action, 1) }
                let count = plan.predictions[step - plan.first]
                // Weights relative to that of the new one, so that none of them overflows into no number.
                let weights = (0...count).map { exp(decay * Double(count - $0)) }
                return (.mix(plan[step], action, share: 1 / weights.reduce(0, +)), count + 1)
            }
        }
    }

    /// Replaces the actions from a step on by what a function makes of the plan so far, what the chunk wants, and the step.
    ///
    /// If the chunk has fewer actions than it takes to go over to it, its last one is held.
    private mutating func join(
        _ incoming: ArraySlice<PlannedAction>, from next: Int, atLeast count: Int,
        _ combine: (ActionPlan, PlannedAction, Int) -> (action: PlannedAction, predictions: Int)
    ) {
        let joined = (0..<max(incoming.count, count)).map { offset in
            combine(self, incoming[incoming.startIndex + min(offset, incoming.count - 1)], next + offset)
        }
        // Where the plan had run out, its last action was held.
        while end < next { append(self[next], predictions: 1) }
        actions.removeLast(end - next)
        predictions.removeLast(predictions.count - actions.count)
        for item in joined { append(item.action, predictions: item.predictions) }
    }

    private mutating func append(_ action: PlannedAction, predictions count: Int) {
        actions.append(action)
        predictions.append(count)
    }

    /// Forgets what was done before a step.
    mutating func forget(before step: Int) {
        let count = min(max(step - first, 0), actions.count - 1)
        actions.removeFirst(count)
        predictions.removeFirst(count)
        first += count
    }
}
