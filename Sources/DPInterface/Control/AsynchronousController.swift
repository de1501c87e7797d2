package import DPBase

/// Controls one robot with a policy that takes time: while a chunk is executed, the next one is computed.
///
/// It is a state machine without a clock or threads. The caller counts control steps, passes each observation with
/// its step, passes the chunk for a request when it is available, and fetches the action for each step in turn:
///
/// ```
/// control step   0    1    2    3    4    5    6    7    8    9   10   11   …
/// request        a                   b                   c
/// chunk          a                                  b                   c
/// action         a0   a1   a2   a3   a4   a5   a6   b7   b8   b9  b10  c11   …
/// ```
///
/// A request is due every `interval` steps, unless one is pending. Here the first chunk arrives in time and the
/// others three steps late; stale actions are skipped, as `merging` specifies.
///
/// The same state machine runs in simulated time, where chunks arrive at predetermined steps
/// (`SimulatedTimeController`), and on a robot (`RealTimeController`). Its behavior depends only on its inputs.
package struct AsynchronousController: Sendable {
    /// The control settings.
    package let configuration: ControlConfiguration

    private let horizon: Horizon
    private let key: RandomKey
    private let interval: Int
    private var history: ObservationHistory
    private var plan: ActionPlan?
    private var requestCount = 0
    /// The step of the newest observation in the pending request.
    private var pending: Int?
    /// The step of the last request.
    private var requestStep = 0
    /// The first step whose action has not been fetched.
    private var next = 0

    /// Creates a controller for one robot.
    /// - Parameters:
    ///   - horizon: the horizon of the policy.
    ///   - configuration: the control settings.
    ///   - key: the random key of this robot's episodes; request `i` of an episode uses `key.folding(i)`.
    package init(horizon: Horizon, configuration: ControlConfiguration = ControlConfiguration(), key: RandomKey) {
        self.horizon = horizon
        self.configuration = configuration
        self.key = key
        history = ObservationHistory(length: horizon.observation)
        interval = configuration.interval ?? configuration.merging.usualInterval(for: horizon)
    }

    /// Discards the episode; request numbers restart at 0.
    package mutating func reset() {
        self = AsynchronousController(horizon: horizon, configuration: configuration, key: key)
    }

    /// Whether there is an action to fetch, that is, whether a chunk was accepted.
    package var hasPlan: Bool { plan != nil }

    /// Records the observation at a control step, and returns a request to the policy if one is due.
    package mutating func observe(_ observation: RobotObservation, at step: Int) -> ChunkRequest? {
        history.append(observation)
        guard pending == nil, isDue(at: step) else { return nil }
        defer { requestCount += 1 }
        (pending, requestStep) = (step, step)
        return ChunkRequest(
            observations: history.observations, key: key.folding(requestCount), start: warmStart(at: step))
    }

    /// Returns whether a request is due at a step.
    private func isDue(at step: Int) -> Bool {
        guard let plan else { return true }
        return configuration.merging == .synchronous ? next >= plan.end : step - requestStep >= interval
    }

    /// Returns the warm start of a request: the plan for the steps to predict, with the last action held after its
    /// end.
    private func warmStart(at step: Int) -> WarmStart? {
        guard case .warmStart(let strength) = configuration.merging, let plan else { return nil }
        let first = step - horizon.executed.lowerBound
        let actions = (first..<first + horizon.prediction).lazy.map { plan[$0] }
        return WarmStart(
            actions: actions.map(\.floats), strength: strength,
            doubles: actions.contains { $0.doubles != nil } ? actions.map(\.inDoubles) : nil)
    }

    /// Accepts the chunk for the pending request.
    ///
    /// It changes the plan from the first action that has not been fetched.
    /// - Precondition: a request is pending, and the chunk has an action to execute.
    package mutating func accept(_ chunk: ActionChunk) {
        guard let observed = pending else { preconditionFailure("no request is pending") }
        precondition(!chunk.executed.isEmpty, "a chunk with no action to execute")
        pending = nil
        next = max(next, observed)
        var plan = plan ?? ActionPlan(chunk, from: observed, by: configuration.merging)
        if self.plan != nil { plan.merge(chunk, observed: observed, next: next, by: configuration.merging) }
        plan.forget(before: observed - horizon.prediction)
        self.plan = plan
    }

    /// Cancels the pending request, for example after the policy failed; the next request follows when it is due,
    /// or at once if no chunk was ever accepted.
    package mutating func cancelRequest() { pending = nil }

    /// Fetches the action for a control step; after the end of the plan, its last action.
    /// - Precondition: a chunk was accepted, and no action was fetched for this step or a later one.
    package mutating func action(at step: Int) -> [Float] { planned(at: step).floats }

    /// Fetches the action in double precision, for policies whose actions single precision cannot hold
    /// (`ActionChunk.doubles`).
    /// - Precondition: as for `action(at:)`.
    package mutating func doubles(at step: Int) -> [Double] { planned(at: step).inDoubles }

    /// Fetches the action for a step.
    mutating func planned(at step: Int) -> PlannedAction {
        guard let plan else { preconditionFailure("no chunk was accepted") }
        precondition(step >= next, "an action for step \(step) after that for step \(next - 1)")
        next = step + 1
        return plan[step]
    }
}
