/// One control step of a simulated episode, as `dpolicy simulate` prints it.
public struct PushTRecord: Codable, Sendable, Equatable {
    /// Control steps since the start; 0 is the start itself.
    public var step: Int
    /// Agent x and y, block x and y in pixels, block angle in 0 ..< 2π radians.
    public var state: [Double]
    /// Covered part of the goal, in 0 … 1.
    public var coverage: Double
    /// Reward of the state, in 0 … 1.
    public var reward: Double
    /// Whether the task is achieved in this state; the simulation goes on.
    public var done: Bool

    /// What an environment shows now.
    public init(of environment: PushTEnvironment) {
        step = environment.stepCount
        state = environment.state.values
        coverage = environment.coverage
        reward = environment.exactReward
        done = environment.isSuccess
    }
}
