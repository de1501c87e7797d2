extension PushTEnvironment {
    /// Puts the block somewhere else while the episode goes on, as a hand that interferes would.
    ///
    /// It is kept inside of the walls. Where it comes to lie over the agent, physics pushes the two apart in the steps that follow.
    /// - Throws: `PushTError.state` when a number is not finite or absurdly large; the state is then as before.
    public func moveBlock(to pose: Pose) throws {
        guard pose.isPlausible else { throw PushTError.state(found: state.agent.components + pose.components) }
        place(PushTState(agent: state.agent, block: TeeShape.insideWalls(pose)))
    }

    /// Puts the agent somewhere else while the episode goes on; it is kept inside of the walls.
    /// - Throws: `PushTError.state` when a number is not finite or absurdly large; the state is then as before.
    public func moveAgent(to position: SIMD2<Double>) throws {
        guard position.isPlausible else {
            throw PushTError.state(found: position.components + state.block.components)
        }
        let free = PushTSpace.inside(margin: PushTSpace.agentRadius)
        let inside = position.clamped(lowerBound: free.lower, upperBound: free.upper)
        place(PushTState(agent: inside, block: state.block))
    }
}

extension PushTSpace {
    /// The corners of the free space, or of what is left of it with a margin.
    static func inside(margin: Double) -> (lower: SIMD2<Double>, upper: SIMD2<Double>) {
        (corners.lower + (wallRadius + margin), corners.upper - (wallRadius + margin))
    }
}

extension TeeShape {
    /// The pose, moved as little as it takes for no corner to be behind a wall.
    ///
    /// The block spans at most 142 pixels, so that one move is enough for both axes.
    static func insideWalls(_ pose: Pose) -> Pose {
        let free = PushTSpace.inside(margin: 0)
        let corners = rectangles.flatMap { $0.corners.map(pose.placement()) }
        var moved = pose
        for axis in 0..<2 {
            let coordinates = corners.map { $0[axis] }
            let before = free.lower[axis] - (coordinates.min() ?? free.lower[axis])
            let behind = (coordinates.max() ?? free.upper[axis]) - free.upper[axis]
            moved.position[axis] += max(before, 0) - max(behind, 0)
        }
        return moved
    }
}

extension SIMD2<Double> {
    fileprivate var components: [Double] { [x, y] }
}

extension Pose {
    fileprivate var components: [Double] { [position.x, position.y, angle] }
}
