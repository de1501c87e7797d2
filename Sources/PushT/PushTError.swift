/// Numbers that the Push-T simulation refuses before they reach the physics.
public enum PushTError: Error, Equatable, CustomStringConvertible {
    /// An action that is not two finite coordinates.
    case action(found: [Double])
    /// A state that is not five finite numbers.
    case state(found: [Double])

    /// What was expected, what was found and what to do.
    public var description: String {
        let limit = Int(Pose.largestCoordinate)
        return switch self {
        case .action(let found):
            """
            Push-T action: expected a target [x, y] of finite pixels, at most \(limit) in magnitude, found \(found); \
            the world is 512 pixels wide
            """
        case .state(let found):
            """
            Push-T state: expected [agent x, agent y, block x, block y, block angle], finite and at most \(limit) in \
            magnitude, found \(found)
            """
        }
    }
}
