/// The shapes of the Push-T world, for programs that draw it themselves.
///
/// All lengths are in pixels of the world, x to the right and y downwards.
public struct PushTGeometry: Codable, Sendable, Equatable {
    /// Side of the square world.
    public var side = Double(PushTPicture.worldSide)
    /// The two rectangles of the block in its own frame, each as left, top, right and bottom.
    public var block = TeeShape.rectangles.map { [$0.lower.x, $0.lower.y, $0.upper.x, $0.upper.y] }
    /// Where the block's centre of gravity is in its own frame.
    public var centerOfGravity = [TeeShape.centerOfGravity.x, TeeShape.centerOfGravity.y]
    /// Radius of the round agent.
    public var agentRadius = PushTSpace.agentRadius
    /// The middle lines of the walls: left, top, right and bottom.
    public var walls = [5.0, 5, 506, 506]
    /// Half the thickness of a wall.
    public var wallRadius = PushTSpace.wallRadius

    /// The world that is simulated.
    public init() {}
}
