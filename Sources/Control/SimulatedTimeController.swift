public import PolicyInterface

/// Controls a robot in a simulated world, where observations, answers and commands are on their way for fixed numbers of control steps.
///
/// All decisions are those of `AsynchronousController`; it is told of things when they arrive. The simulated world takes three calls a control step, so that the
/// questions of many robots can be answered in one batch:
///
/// ```swift
/// if let request = controller.observe(world.observation) {
///     controller.accept(try policy.chunks(for: [request])[0])
/// }
/// world.step(controller.nextCommand().action)
/// ```
///
/// What it does follows from what it is given alone, whatever the computer is busy with.
public struct SimulatedTimeController: Sendable {
    /// What a robot is told to do.
    public struct Command: Sendable, Equatable {
        /// What is to be done.
        public var action: [Float]
        /// The same in double precision, where single precision cannot hold such actions; else nil.
        public var doubles: [Double]?
        /// Whether a new chunk, other than the first, has its first say in it.
        public var startsChunk: Bool
    }

    private var controller: AsynchronousController
    /// The control step that is now.
    private var step = 0
    private let delays: (observation: Int, computation: Int, action: Int)
    /// What was seen at the latest steps and has not reached the controller.
    private var observations: [Observation] = []
    /// The answer that is on its way, and the step at which it arrives.
    private var answer: (chunk: ActionChunk, arrival: Int)?
    /// Whether a chunk was joined since the last command.
    private var hasJoined = false
    /// What is on its way to the robot.
    private var commands: [Command] = []

    /// A controller of one robot.
    /// - Parameters:
    ///   - horizon: that of the policy.
    ///   - configuration: how to control.
    ///   - latency: what is late, and by how much.
    ///   - key: the randomness of this robot's episode.
    public init(
        horizon: Horizon, configuration: ControlConfiguration, latency: SimulatedLatency = SimulatedLatency(),
        key: RandomKey
    ) {
        controller = AsynchronousController(horizon: horizon, configuration: configuration, key: key)
        delays = (
            configuration.steps(for: latency.observation), configuration.steps(for: latency.computation),
            configuration.steps(for: latency.action)
        )
    }

    /// Sees the world as it is at this control step, and says what to ask the policy now, if anything.
    public mutating func observe(_ observation: Observation) -> ChunkRequest? {
        if let (chunk, arrival) = answer, arrival == step { join(chunk) }
        // At the start the world has stood still for as long as it takes to see it.
        if step == 0 { return controller.observe(observation, at: 0) }
        observations.append(observation)
        guard observations.count > delays.observation else { return nil }
        return controller.observe(observations.removeFirst(), at: step - delays.observation)
    }

    /// Takes the answer to the question of this control step; it arrives when its time has come.
    public mutating func accept(_ chunk: ActionChunk) {
        if step == 0 || delays.computation == 0 {
            join(chunk)
        } else {
            answer = (chunk, step + delays.computation)
        }
    }

    private mutating func join(_ chunk: ActionChunk) {
        answer = nil
        hasJoined = controller.canAct
        controller.accept(chunk)
    }

    /// What the robot does at this control step, which ends with it.
    /// - Precondition: the first question was answered.
    public mutating func nextCommand() -> Command {
        // Those of the first steps were given while the world stood still.
        for ahead in (step == 0 ? 0 : delays.action)...delays.action {
            let action = controller.planned(at: step + ahead)
            commands.append(Command(action: action.floats, doubles: action.doubles, startsChunk: hasJoined))
            hasJoined = false
        }
        step += 1
        return commands.removeFirst()
    }
}
