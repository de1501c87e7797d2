import CDPChipmunk

/// The physical world of Push-T in Chipmunk: four walls, the agent and the block.
///
/// It owns the C objects and frees them, so it is a class. It does not check numbers: Chipmunk's assertions end the
/// process, so callers must validate first. Objects are created and added to the space in the order of the
/// reference implementation, because this order determines the order in which the solver processes contacts, and
/// thereby the last digits of every state.
final class PushTSpace {
    private let space: UnsafeMutablePointer<cpSpace>
    private let agent: UnsafeMutablePointer<cpBody>
    private let block: UnsafeMutablePointer<cpBody>
    private var shapes: [UnsafeMutablePointer<cpShape>] = []

    /// A world with everything at rest in its initial position.
    init(damping: Double) {
        space = ChipmunkBanner.makeSpaceQuietly()
        cpSpaceSetDamping(space, damping)
        // The other constants keep Chipmunk's defaults, which it rounds to single precision, as does the reference:
        // 10 solver iterations, contacts that keep an overlap of 0.1 pixel, and 0.9⁶⁰ of a deeper overlap left
        // after a second.

        agent = cpBodyNewKinematic()
        block = cpBodyNew(TBlock.mass, TBlock.momentOfInertia)

        for (start, end) in Self.walls {
            add(cpSegmentShapeNew(cpSpaceGetStaticBody(space), cpVect(start), cpVect(end), Self.wallRadius))
        }

        cpBodySetPosition(agent, cpVect(SIMD2(256, 400)))
        cpSpaceAddBody(space, agent)
        add(cpCircleShapeNew(agent, Self.agentRadius, cpVect(.zero)))

        let rectangles = TBlock.rectangles.map { rectangle in
            cpPolyShapeNew(block, 4, rectangle.corners.map(cpVect.init), cpTransformIdentity, 0)
        }
        cpBodySetCenterOfGravity(block, cpVect(TBlock.centerOfGravity))
        cpBodySetPosition(block, cpVect(SIMD2(256, 300)))
        cpBodySetAngle(block, 0)
        cpSpaceAddBody(space, block)
        for rectangle in rectangles { add(rectangle) }
    }

    deinit {
        for shape in shapes {
            cpSpaceRemoveShape(space, shape)
            cpShapeFree(shape)
        }
        for body in [agent, block] {
            cpSpaceRemoveBody(space, body)
            cpBodyFree(body)
        }
        cpSpaceFree(space)
    }

    /// Radius of the round agent, in pixels.
    static let agentRadius = 15.0
    /// The corners where the center lines of the walls meet: the one with the smallest and the one with the largest
    /// coordinates.
    static let corners = (lower: SIMD2(5.0, 5), upper: SIMD2(506.0, 506))
    /// The start and end points of the center lines of the four walls.
    static let walls: [(SIMD2<Double>, SIMD2<Double>)] = {
        let (lower, upper) = corners
        let (right, left) = (SIMD2(upper.x, lower.y), SIMD2(lower.x, upper.y))
        return [(left, lower), (lower, right), (right, upper), (left, upper)]
    }()
    /// Half the thickness of a wall, in pixels.
    static let wallRadius = 2.0

    /// The current state, with the block's angle as the physics counts it: full turns add up.
    var state: PushTState {
        PushTState(
            agent: SIMD2(cpBodyGetPosition(agent)),
            block: Pose(position: SIMD2(cpBodyGetPosition(block)), angle: cpBodyGetAngle(block)))
    }

    /// Moves agent and block to a state.
    func place(_ state: PushTState, order: PushTDefinition.ResetOrder) {
        cpBodySetPosition(agent, cpVect(state.agent))
        switch order {
        case .legacy:
            cpBodySetPosition(block, cpVect(state.block.position))
            cpBodySetAngle(block, state.block.angle)
        case .new:
            cpBodySetAngle(block, state.block.angle)
            cpBodySetPosition(block, cpVect(state.block.position))
        }
    }

    /// Changes the agent's velocity, in pixels per second.
    func accelerate(by change: (_ position: SIMD2<Double>, _ velocity: SIMD2<Double>) -> SIMD2<Double>) {
        let velocity = SIMD2(cpBodyGetVelocity(agent))
        let position = SIMD2(cpBodyGetPosition(agent))
        cpBodySetVelocity(agent, cpVect(velocity + change(position, velocity)))
    }

    /// Advances the simulation by a duration in seconds.
    func advance(by duration: Double) { cpSpaceStep(space, duration) }

    private func add(_ shape: UnsafeMutablePointer<cpShape>?) {
        guard let shape else { preconditionFailure("Chipmunk made no shape") }
        // No friction and no elasticity: every contact acts only along its normal.
        cpShapeSetFriction(shape, 0)
        cpShapeSetElasticity(shape, 0)
        cpSpaceAddShape(space, shape)
        shapes.append(shape)
    }
}

extension cpVect {
    fileprivate init(_ point: SIMD2<Double>) { self.init(x: point.x, y: point.y) }
}

extension SIMD2<Double> {
    fileprivate init(_ vector: cpVect) { self.init(vector.x, vector.y) }
}
