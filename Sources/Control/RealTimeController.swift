public import PolicyInterface

/// Controls a robot in real time: the policy thinks on a thread of its own, and each control step gets its action without waiting for it.
///
/// ```swift
/// let controller = try RealTimeController(policy, actionLatency: 0.05, key: RandomKey(seed: 0))
/// while running {                                         // ten times a second, by the robot's clock
///     robot.command(try controller.action(for: robot.observation))
/// }
/// ```
///
/// All decisions are those of `AsynchronousController`. What it does here depends on how long the policy takes, and so is not the same each time; the
/// evaluation has the same machine in simulated time. One thread at a time uses it.
public final class RealTimeController: Policy {
    private var controller: AsynchronousController
    let worker: ChunkWorker
    /// Control steps by which what is seen is older than the state in which a command takes effect, the policy's own time aside.
    private let delay: Int
    private var step = 0

    /// A controller of one robot.
    /// - Parameters:
    ///   - policy: predicts the chunks; nobody else may use it from now on.
    ///   - configuration: how to control.
    ///   - observationLatency: seconds from the world being in a state until it is seen; what is seen counts as that earlier time's.
    ///   - actionLatency: seconds from a command until the robot follows it; commands are those for that later time.
    ///   - key: the randomness.
    /// - Throws: `InvalidSetting`, or what the policy throws when it prepares.
    public init(
        _ policy: sending any ChunkingPolicy, configuration: ControlConfiguration = ControlConfiguration(),
        observationLatency: Double = 0, actionLatency: Double = 0, key: RandomKey
    ) throws {
        try configuration.validate()
        try SimulatedLatency(observation: observationLatency, action: actionLatency).validate()
        try policy.prepare(count: 1)
        controller = AsynchronousController(horizon: policy.horizon, configuration: configuration, key: key)
        delay = configuration.steps(for: observationLatency) + configuration.steps(for: actionLatency)
        worker = ChunkWorker(policy)
    }

    deinit { worker.stop() }

    /// Waits for an answer that is still to come, forgets it and the episode.
    public func reset() {
        worker.waitUntilIdle()
        _ = try? worker.answer()
        controller.reset()
        step = 0
    }

    /// What to command at the next control step, given what is seen now; only the first action of an episode waits for the policy.
    ///
    /// Nothing moves before the first command takes effect: as in simulated time, steps count from there, and the first commands are the first actions.
    /// - Throws: what the policy threw, or `UnusableAnswer`; the next call goes on with the plan as it is, and asks again when it is time.
    public func action(for observation: Observation) throws -> [Float] {
        try planned(for: observation, at: step).floats
    }

    /// The same in double precision, for policies whose actions single precision cannot hold (`ActionChunk.doubles`).
    /// - Throws: as `action(for:)`.
    public func doubles(for observation: Observation) throws -> [Double] {
        try planned(for: observation, at: step).inDoubles
    }

    /// What to command at a control step, for a clock that may have missed some.
    /// - Parameters:
    ///   - observation: what is seen now.
    ///   - step: control steps since the first command was given, which has waited for the policy.
    /// - Throws: what the policy threw, or `UnusableAnswer`; the next call goes on with the plan as it is, and asks again when it is time.
    /// - Precondition: steps of an episode increase.
    public func action(for observation: Observation, at step: Int) throws -> [Float] {
        try planned(for: observation, at: step).floats
    }

    /// The same in double precision, for policies whose actions single precision cannot hold (`ActionChunk.doubles`).
    /// - Parameters: as of `action(for:at:)`.
    /// - Throws: as that one.
    public func doubles(for observation: Observation, at step: Int) throws -> [Double] {
        try planned(for: observation, at: step).inDoubles
    }

    private func planned(for observation: Observation, at step: Int) throws -> PlannedAction {
        // Where not even the first answer came, no time has passed.
        defer { if controller.canAct { self.step = step + 1 } }
        let arrival = Result { try acceptAnswer() }
        // What is seen belongs to the history, whatever became of an earlier answer. The call that tells of a failure does not ask, so that one that
        // fails at once leaves every other call an action.
        if let request = controller.observe(observation, at: max(0, step - delay)) { worker.ask(request) }
        do {
            try arrival.get()
            if !controller.canAct {
                worker.waitUntilIdle()
                try acceptAnswer()
            }
        } catch {
            controller.abandonQuestion()
            throw error
        }
        return controller.planned(at: step)
    }

    /// Takes the answer if it is there.
    private func acceptAnswer() throws {
        if let chunk = try worker.answer() { controller.accept(chunk) }
    }
}
