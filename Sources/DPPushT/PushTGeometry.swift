/// The shapes of the Push-T world, for programs that draw it themselves.
///
/// All lengths are in pixels of the world, x to the right and y downward.
package struct PushTGeometry: Codable, Sendable, Equatable {
    /// Side of the square world.
    package var side = Double(PushTPicture.worldSide)
    /// The two rectangles of the block in its own frame, each as left, top, right and bottom.
    package var block = TBlock.rectangles.map { [$0.lower.x, $0.lower.y, $0.upper.x, $0.upper.y] }
    /// Radius of the round agent.
    package var agentRadius = PushTSpace.agentRadius
    /// The center lines of the walls: left, top, right and bottom.
    package var walls = [
        PushTSpace.corners.lower.x, PushTSpace.corners.lower.y, PushTSpace.corners.upper.x, PushTSpace.corners.upper.y,
    ]
    /// Half the thickness of a wall.
    package var wallRadius = PushTSpace.wallRadius

    enum CodingKeys: String, CodingKey {
        case side
        case block
        case agentRadius = "agent_radius"
        case walls
        case wallRadius = "wall_radius"
    }

    /// The geometry of the simulated world.
    package init() {}
}
