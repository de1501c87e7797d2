public import PolicyInterface

/// Controls one robot by a policy whose answers take time: while a chunk is executed, the next one is computed.
///
/// It is a state machine without clock and threads. Whoever drives it counts control steps, tells what was seen at which step, brings the answer to a
/// question when it is there, and fetches the action for each step in turn:
///
/// ```
/// control step   0    1    2    3    4    5    6    7    8    9   10   11   …
/// question       a                   b                   c                      every `interval` steps, unless an answer is still to come
/// answer         a                                  b                   c       the first one in time, the others three steps late
/// action         a0   a1   a2   a3   a4   a5   a6   b7   b8   b9  b10  c11   …   late ones dropped, as `joining` says
/// ```
///
/// The same machine runs in simulated time, where answers are brought at steps that are decided beforehand (`SimulatedTimeController`), and on a robot
/// (`RealTimeController`). What it does follows from what it is told alone.
public struct AsynchronousController: Sendable {
    /// How the robot is controlled.
    public let configuration: ControlConfiguration

    private let horizon: Horizon
    private let key: RandomKey
    private let interval: Int
    private var history: [Observation] = []
    private var plan: ActionPlan?
    private var questions = 0
    /// The step of the newest observation in the question that is not answered.
    private var pending: Int?
    /// The step at which the policy was asked last.
    private var asked = 0
    /// The first step whose action was not fetched yet.
    private var next = 0

    /// A controller of one robot.
    /// - Parameters:
    ///   - horizon: that of the policy.
    ///   - configuration: how to control.
    ///   - key: the randomness of this robot's episodes; question `i` of an episode uses `key.folding(i)`.
    public init(horizon: Horizon, configuration: ControlConfiguration = ControlConfiguration(), key: RandomKey) {
        self.horizon = horizon
        self.configuration = configuration
        self.key = key
        interval = configuration.interval ?? configuration.joining.usualInterval(for: horizon)
    }

    /// Forgets the episode; questions count from 0 again.
    public mutating func reset() {
        self = AsynchronousController(horizon: horizon, configuration: configuration, key: key)
    }

    /// Whether there is an action to fetch: the first question was answered.
    public var canAct: Bool { plan != nil }

    /// Takes note of what was seen at a control step, and says what to ask the policy now, if anything.
    public mutating func observe(_ observation: Observation, at step: Int) -> ChunkRequest? {
        let length = horizon.observation
        if history.isEmpty { history = Array(repeating: observation, count: length - 1) }
        history.append(observation)
        history.removeFirst(history.count - length)
        guard pending == nil, isDue(at: step) else { return nil }
        defer { questions += 1 }
        (pending, asked) = (step, step)
        return ChunkRequest(observations: history, key: key.folding(questions), start: warmStart(at: step))
    }

    /// Whether the policy is to be asked at a step.
    private func isDue(at step: Int) -> Bool {
        guard let plan else { return true }
        return configuration.joining == .waiting ? next >= plan.end : step - asked >= interval
    }

    /// What the policy starts its answer from: the plan for the steps that it will predict, the last action held behind its end.
    private func warmStart(at step: Int) -> WarmStart? {
        guard case .warmStart(let share) = configuration.joining, let plan else { return nil }
        let first = step - horizon.executed.lowerBound
        let actions = (first..<first + horizon.prediction).lazy.map { plan[$0] }
        return WarmStart(
            actions: actions.map(\.floats), share: share,
            doubles: actions.contains { $0.doubles != nil } ? actions.map(\.inDoubles) : nil)
    }

    /// Takes the answer to the question.
    ///
    /// From the first action on that is not fetched yet it changes what is done.
    /// - Precondition: there is a question without an answer, and the chunk has an action to execute.
    public mutating func accept(_ chunk: ActionChunk) {
        guard let observed = pending else { preconditionFailure("an answer that was not asked for") }
        precondition(!chunk.executed.isEmpty, "a chunk with no action to execute")
        pending = nil
        next = max(next, observed)
        var plan = plan ?? ActionPlan(chunk, from: observed, by: configuration.joining)
        if self.plan != nil { plan.join(chunk, observed: observed, next: next, by: configuration.joining) }
        plan.forget(before: observed - horizon.prediction)
        self.plan = plan
    }

    /// Gives the question up whose answer will not come, as when a policy failed: the policy is asked again when it is time, or at once if it never answered.
    public mutating func abandonQuestion() { pending = nil }

    /// Fetches the action that is to take effect at a control step: when the plan has run out, its last action again.
    /// - Precondition: the first question was answered, and no action was fetched for this step or a later one.
    public mutating func action(at step: Int) -> [Float] { planned(at: step).floats }

    /// Fetches the same in double precision, for policies whose actions single precision cannot hold (`ActionChunk.doubles`).
    /// - Precondition: as of `action(at:)`.
    public mutating func doubles(at step: Int) -> [Double] { planned(at: step).inDoubles }

    /// Fetches the action for a step.
    mutating func planned(at step: Int) -> PlannedAction {
        guard let plan else { preconditionFailure("no chunk was accepted") }
        precondition(step >= next, "an action for step \(step) after that for step \(next - 1)")
        next = step + 1
        return plan[step]
    }
}
