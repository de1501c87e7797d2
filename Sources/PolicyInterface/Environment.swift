/// A task, simulated or real, in which a policy can be judged.
public protocol Environment {
    /// What the robot perceives now.
    var observation: Observation { get }
    /// Reward of the present state, in 0 … 1.
    var reward: Float { get }
    /// Whether the task is achieved now.
    var isSuccess: Bool { get }

    /// Executes an action for one control step.
    /// - Throws: when the action has the wrong length or is not finite; the state is then as before.
    mutating func step(_ action: [Float]) throws

    /// Executes an action that came in double precision, as single precision cannot hold it.
    ///
    /// Rounded to single precision by default: an environment of map coordinates has to do better.
    /// - Throws: as `step(_:)`.
    mutating func step(doubles action: [Double]) throws

    /// A picture of the present state for people, `side` × `side` pixels.
    func render(side: Int) -> RGBImage
}

extension Environment {
    /// Executes the action rounded to single precision.
    public mutating func step(doubles action: [Double]) throws { try step(action.map(Float.init)) }
}
