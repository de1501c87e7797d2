package import DPBase

/// Controls a robot in a simulated world, where observations, chunks and commands are delayed by fixed numbers of
/// control steps.
///
/// `AsynchronousController` makes all decisions; it receives each input when it arrives. The simulated world makes
/// three calls per control step, so that the requests of many robots can be processed in one batch:
///
/// ```text
/// if let request = controller.observe(world.observation) {
///     controller.accept(try policy.predictActionChunks(for: [request])[0])
/// }
/// world.step(controller.nextCommand().action)
/// ```
///
/// Its behavior depends only on its inputs, regardless of the load of the computer.
package struct SimulatedTimeController: Sendable {
    /// A command to the robot.
    package struct Command: Sendable, Equatable {
        /// The action to execute.
        package var action: [Float]
        /// The action in double precision, if single precision cannot hold such actions; otherwise nil.
        package var doubles: [Double]?
        /// Whether this is the first command that a new chunk affects; false for the first chunk.
        package var startsChunk: Bool
    }

    private var controller: AsynchronousController
    /// The current control step.
    private var step = 0
    private let delays: (observation: Int, computation: Int, action: Int)
    /// The observations that have not reached the controller.
    private var observations: [RobotObservation] = []
    /// The chunk in transit, and the step at which it arrives.
    private var answer: (chunk: ActionChunk, arrival: Int)?
    /// Whether a chunk was merged since the last command.
    private var hasJoined = false
    /// The commands in transit to the robot.
    private var commands: [Command] = []

    /// Creates a controller for one robot.
    /// - Parameters:
    ///   - horizon: the horizon of the policy.
    ///   - configuration: the control settings.
    ///   - latency: the latencies to simulate.
    ///   - key: the random key of this robot's episode.
    package init(
        horizon: Horizon, configuration: ControlConfiguration, latency: SimulatedLatency = SimulatedLatency(),
        key: RandomKey
    ) {
        controller = AsynchronousController(horizon: horizon, configuration: configuration, key: key)
        delays = (
            configuration.steps(for: latency.observation), configuration.steps(for: latency.computation),
            configuration.steps(for: latency.action)
        )
    }

    /// Records the observation of the world at this control step, and returns a request to the policy if one is
    /// due.
    package mutating func observe(_ observation: RobotObservation) -> ChunkRequest? {
        if let (chunk, arrival) = answer, arrival == step { merge(chunk) }
        // The world stands still before the first step, so the first observation has no delay.
        if step == 0 { return controller.observe(observation, at: 0) }
        observations.append(observation)
        guard observations.count > delays.observation else { return nil }
        return controller.observe(observations.removeFirst(), at: step - delays.observation)
    }

    /// Accepts the chunk for the request of this control step, and merges it after the simulated latency.
    package mutating func accept(_ chunk: ActionChunk) {
        if step == 0 || delays.computation == 0 {
            merge(chunk)
        } else {
            answer = (chunk, step + delays.computation)
        }
    }

    private mutating func merge(_ chunk: ActionChunk) {
        answer = nil
        hasJoined = controller.hasPlan
        controller.accept(chunk)
    }

    /// Returns the command that the robot executes at this control step, and ends the step.
    /// - Precondition: the first chunk was accepted.
    package mutating func nextCommand() -> Command {
        // The commands of the first steps were sent while the world stood still.
        for ahead in (step == 0 ? 0 : delays.action)...delays.action {
            let action = controller.planned(at: step + ahead)
            commands.append(Command(action: action.floats, doubles: action.doubles, startsChunk: hasJoined))
            hasJoined = false
        }
        step += 1
        return commands.removeFirst()
    }
}
