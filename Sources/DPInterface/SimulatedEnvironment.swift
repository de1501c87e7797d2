/// A task, simulated or real, in which a policy can be evaluated.
///
/// ```swift
/// struct MiscalibratedPushT: SimulatedEnvironment {
///     let world: PushTEnvironment
///     var observation: RobotObservation { world.observation }
///     var reward: Float { world.reward }
///     var isSuccess: Bool { world.isSuccess }
///     func step(_ action: [Float]) throws { try world.step(action.map { $0 + 5 }) }  // always off by 5 pixels
///     func render(side: Int) -> RGBImage { world.render(side: side) }
/// }
/// ```
public protocol SimulatedEnvironment {
    /// The robot's current observation.
    var observation: RobotObservation { get }
    /// The reward of the current state, in 0 … 1.
    var reward: Float { get }
    /// Whether the task is currently achieved.
    var isSuccess: Bool { get }

    /// Executes an action for one control step.
    /// - Throws: if the action has the wrong length or is not finite; the state is then unchanged.
    mutating func step(_ action: [Float]) throws

    /// Executes an action in double precision, for actions that single precision cannot hold.
    ///
    /// By default the action is rounded to single precision; an environment with map coordinates must implement it.
    /// - Throws: as `step(_:)`.
    mutating func step(doubles action: [Double]) throws

    /// Renders the current state for display, `side` × `side` pixels.
    func render(side: Int) -> RGBImage
}

extension SimulatedEnvironment {
    /// Executes the action rounded to single precision.
    public mutating func step(doubles action: [Double]) throws { try step(action.map(Float.init)) }
}
