import DPPushT

/// A Push-T episode that a user can disturb.
struct World {
    /// The simulation.
    let environment: PushTEnvironment
    /// The seed of the start.
    private(set) var seed: UInt64
    /// The best reward of the episode so far.
    private(set) var best: Float = 0
    /// The current hold on a body, if any.
    private(set) var grip: Grip?

    /// The side of the world, which limits the hold's target.
    private static let side = PushTGeometry().side

    /// A hold on a body.
    struct Grip: Equatable {
        let body: SceneCommand.Body
        /// Vector from the held point to the body's origin; the pusher is always held at its center.
        var offset: SIMD2<Double>
        /// The target of the held point.
        var target: SIMD2<Double>
    }

    init(seed: UInt64, definition: PushTDefinition) {
        self.seed = seed
        environment = PushTEnvironment(seed: seed, definition: definition)
        best = environment.reward
    }

    /// Starts the episode of a seed.
    mutating func begin(seed: UInt64) {
        self.seed = seed
        grip = nil
        environment.reset(seed: seed)
        best = environment.reward
    }

    /// The target of the pusher, if it is held.
    var agentTarget: SIMD2<Double>? { grip?.body == .agent ? grip?.target : nil }

    /// Performs a control step with the pusher moving toward a point; a held block moves to its target.
    mutating func step(toward target: SIMD2<Double>) throws {
        try pullBlock()
        try environment.step(toward: target)
        best = max(best, environment.reward)
    }

    mutating func grab(_ body: SceneCommand.Body, at point: SIMD2<Double>) {
        let point = Self.inside(point)
        let offset = body == .block ? environment.state.block.position - point : .zero
        grip = Grip(body: body, offset: offset, target: point)
    }

    /// Drags the held body to a point; a block moves at once, the pusher during the next steps.
    mutating func drag(to point: SIMD2<Double>) throws {
        grip?.target = Self.inside(point)
        try pullBlock()
    }

    /// Turns the block about the held point, or about its own origin if it is not held.
    mutating func turn(by angle: Double) throws {
        var pose = environment.state.block
        if let grip, grip.body == .block {
            let offset = Pose(position: .zero, angle: angle).point(grip.offset)
            self.grip?.offset = offset
            pose.position = grip.target + offset
        }
        pose.angle += angle
        try environment.moveBlock(to: pose)
        best = max(best, environment.reward)
    }

    mutating func nudge(_ body: SceneCommand.Body, by difference: SIMD2<Double>) throws {
        let state = environment.state
        switch body {
        case .block:
            try environment.moveBlock(to: Pose(position: state.block.position + difference, angle: state.block.angle))
        case .agent: try environment.moveAgent(to: state.agent + difference)
        }
        best = max(best, environment.reward)
    }

    mutating func release() { grip = nil }

    /// Returns the nearest point inside the world.
    private static func inside(_ point: SIMD2<Double>) -> SIMD2<Double> {
        point.clamped(lowerBound: .zero, upperBound: SIMD2(repeating: side))
    }

    private mutating func pullBlock() throws {
        guard let grip, grip.body == .block else { return }
        let angle = environment.state.block.angle
        try environment.moveBlock(to: Pose(position: grip.target + grip.offset, angle: angle))
        best = max(best, environment.reward)
    }
}
