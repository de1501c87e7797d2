/// A switch that stops a robot.
public struct EmergencyStop: Sendable {
    /// Whether the switch is pressed.
    public var isPressed = false

    /// Creates a switch that is not pressed.
    public init() {}
}
