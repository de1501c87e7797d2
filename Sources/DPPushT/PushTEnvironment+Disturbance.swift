import DPBase

extension PushTEnvironment {
    /// Moves the block during an episode, as a person who interferes would.
    ///
    /// The block is kept inside the walls. If it overlaps the agent, the physics pushes the two apart in the
    /// following steps.
    /// - Throws: `InputError` when a number is not finite or too large; the state is then unchanged.
    package func moveBlock(to pose: Pose) throws {
        guard pose.isPlausible else { throw InputError.pushTState(found: state.agent.components + pose.components) }
        place(PushTState(agent: state.agent, block: TBlock.insideWalls(pose)))
    }

    /// Moves the agent during an episode; it is kept inside the walls.
    /// - Throws: `InputError` when a number is not finite or too large; the state is then unchanged.
    package func moveAgent(to position: SIMD2<Double>) throws {
        guard position.isPlausible else {
            throw InputError.pushTState(found: position.components + state.block.components)
        }
        let free = PushTSpace.inside(margin: PushTSpace.agentRadius)
        let inside = position.clamped(lowerBound: free.lower, upperBound: free.upper)
        place(PushTState(agent: inside, block: state.block))
    }
}

extension PushTSpace {
    /// The corners of the free space, reduced by a margin.
    static func inside(margin: Double) -> (lower: SIMD2<Double>, upper: SIMD2<Double>) {
        (corners.lower + (wallRadius + margin), corners.upper - (wallRadius + margin))
    }
}

extension TBlock {
    /// Returns the pose, moved as little as necessary to have all corners inside the walls.
    ///
    /// The block spans at most 142 pixels, so one move is enough for both axes.
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
