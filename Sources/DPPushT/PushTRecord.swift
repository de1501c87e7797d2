/// One control step of a simulated episode, as `dpolicy simulate` prints it.
package struct PushTRecord: Codable, Sendable, Equatable {
    /// Control steps since the start; 0 is the start itself.
    package var step: Int
    /// Agent x and y, block x and y in pixels, block angle in 0 ..< 2π radians.
    package var state: [Double]
    /// Covered fraction of the goal, in 0 … 1.
    package var coverage: Double
    /// Reward of the state, in 0 … 1.
    package var reward: Double
    /// Whether the task is achieved in this state; the simulation continues.
    package var done: Bool

    /// A record of an environment's current state.
    package init(of environment: PushTEnvironment) {
        step = environment.stepCount
        state = environment.state.values
        coverage = environment.coverage
        reward = environment.exactReward
        done = environment.isSuccess
    }
}
