/// The shapes of the Push-T world, for programs that draw it themselves.
///
/// All lengths are in pixels of the world, x to the right and y downwards.
public struct PushTGeometry: Codable, Sendable, Equatable {
    /// Side of the square world.
    public var side = Double(PushTPicture.worldSide)
    /// The two rectangles of the block in its own frame, each as left, top, right and bottom.
    public var block = TeeShape.rectangles.map { [$0.lower.x, $0.lower.y, $0.upper.x, $0.upper.y] }
    /// Radius of the round agent.
    public var agentRadius = PushTSpace.agentRadius
    /// The middle lines of the walls: left, top, right and bottom.
    public var walls = [
        PushTSpace.corners.lower.x, PushTSpace.corners.lower.y, PushTSpace.corners.upper.x, PushTSpace.corners.upper.y,
    ]
    /// Half the thickness of a wall.
    public var wallRadius = PushTSpace.wallRadius

    enum CodingKeys: String, CodingKey {
        case side
        case block
        case agentRadius = "agent_radius"
        case walls
        case wallRadius = "wall_radius"
    }

    /// The world that is simulated.
    public init() {}
}
