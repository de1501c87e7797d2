package import DPBase

/// Controls a robot in real time: the policy runs on a separate thread, and each control step gets its action
/// without waiting for the policy.
///
/// `AsynchronousController` makes all decisions. The result depends on how long the policy takes, so it is not the
/// same each time; the evaluation uses the same state machine in simulated time. Only one thread at a time may use
/// it.
///
/// ```swift
/// let policy = try DiffusionPolicy(contentsOf: "runs/pick-cup/policy", sampler: .ddim(steps: 10))
/// let controller = try RealTimeController(policy, actionLatency: 0.05, seed: 0)
/// for observation in observations {  // ten times a second, by the robot's clock
///     let command = try controller.action(for: observation)
///     print("move the joints to", command)
/// }
/// ```
public final class RealTimeController: Policy {
    private var controller: AsynchronousController
    let worker: ChunkWorker
    /// Control steps from the observed state to the state in which a command takes effect, without the policy's own
    /// time.
    private let delay: Int
    private var step = 0

    /// Creates a controller for one robot.
    /// - Parameters:
    ///   - policy: the policy that predicts the chunks; nothing else may use it from now on.
    ///   - configuration: the control settings.
    ///   - observationLatency: seconds from a state of the world until its observation arrives; the observation
    ///     counts for that earlier time.
    ///   - actionLatency: seconds from a command until the robot follows it; commands are for that later time.
    ///   - seed: the seed of the randomness of its predictions.
    /// - Throws: `InputError`, or the error of the policy while it prepares.
    public convenience init(
        _ policy: sending any ChunkingPolicy, configuration: ControlConfiguration = ControlConfiguration(),
        observationLatency: Double = 0, actionLatency: Double = 0, seed: UInt64
    ) throws {
        try self.init(
            policy, configuration: configuration, observationLatency: observationLatency, actionLatency: actionLatency,
            key: RandomKey(seed: seed))
    }

    /// Creates a controller whose request `i` of an episode uses `key.folding(i)`.
    package init(
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

    /// Waits for the request in progress, and discards its result and the episode.
    public func reset() {
        worker.waitUntilIdle()
        _ = try? worker.takeResult()
        controller.reset()
        step = 0
    }

    /// Returns the command for the next control step, given the current observation; only the first action of an
    /// episode waits for the policy.
    ///
    /// As in simulated time, the count of steps starts when the first command takes effect. The robot does not move
    /// before that, so the first commands are the first actions of the chunk.
    /// - Throws: the error of the policy, or `InputError` if it returns no chunk or no action; the next call continues
    ///   with the current plan, and sends a new request when it is due.
    public func action(for observation: RobotObservation) throws -> [Float] {
        try planned(for: observation, at: step).floats
    }

    /// Returns the command in double precision, for policies whose actions single precision cannot hold
    /// (`ActionChunk.doubles`).
    /// - Throws: as `action(for:)`.
    public func doubles(for observation: RobotObservation) throws -> [Double] {
        try planned(for: observation, at: step).inDoubles
    }

    /// Returns the command for a control step, for a clock that may have missed some.
    /// - Parameters:
    ///   - observation: the current observation.
    ///   - step: the control steps since the first command, which waited for the policy.
    /// - Throws: the error of the policy, or `InputError` if it returns no chunk or no action; the next call continues
    ///   with the current plan, and sends a new request when it is due.
    /// - Precondition: steps of an episode increase.
    public func action(for observation: RobotObservation, at step: Int) throws -> [Float] {
        try planned(for: observation, at: step).floats
    }

    /// Returns the command in double precision, for policies whose actions single precision cannot hold
    /// (`ActionChunk.doubles`).
    /// - Parameters: as for `action(for:at:)`.
    /// - Throws: as `action(for:at:)`.
    public func doubles(for observation: RobotObservation, at step: Int) throws -> [Double] {
        try planned(for: observation, at: step).inDoubles
    }

    private func planned(for observation: RobotObservation, at step: Int) throws -> PlannedAction {
        // Steps start to count with the first chunk.
        defer { if controller.hasPlan { self.step = step + 1 } }
        let arrival = Result { try acceptAnswer() }
        // The history contains every observation, even if an earlier request failed. The call that reports that
        // failure sends no request, so that a policy that fails at once still leaves an action to every other call.
        if let request = controller.observe(observation, at: max(0, step - delay)) { worker.submit(request) }
        do {
            try arrival.get()
            if !controller.hasPlan {
                worker.waitUntilIdle()
                try acceptAnswer()
            }
        } catch {
            controller.cancelRequest()
            throw error
        }
        return controller.planned(at: step)
    }

    /// Accepts the chunk if it is available.
    private func acceptAnswer() throws {
        if let chunk = try worker.takeResult() { controller.accept(chunk) }
    }
}
