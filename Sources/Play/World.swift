import PolicyInterface
import PushT

/// A Push-T episode that a hand can reach into.
struct World {
    /// The simulation.
    let environment: PushTEnvironment
    /// The seed of the start.
    private(set) var seed: UInt64
    /// The best reward of the episode so far.
    private(set) var best: Float = 0
    /// What is held, and where it is pulled to.
    private(set) var hand: Hand?

    /// The side of the world, where a hand ends.
    private static let side = PushTGeometry().side

    /// A hold on a body.
    struct Hand: Equatable {
        let body: SceneCommand.Body
        /// From the point that is held to the origin of the body; the pusher is always held by its middle.
        var offset: SIMD2<Double>
        /// Where the point that is held is wanted.
        var target: SIMD2<Double>
    }

    init(seed: UInt64, definition: PushTDefinition) {
        self.seed = seed
        environment = PushTEnvironment(seed: seed, definition: definition)
        best = environment.reward
    }

    /// Begins the episode of a seed.
    mutating func begin(seed: UInt64) {
        self.seed = seed
        hand = nil
        environment.reset(seed: seed)
        best = environment.reward
    }

    /// Where the pusher is held to be, if it is held.
    var agentTarget: SIMD2<Double>? { hand?.body == .agent ? hand?.target : nil }

    /// Does a control step with the pusher drawn to a point; a block that is held is where the hand is.
    mutating func step(toward target: SIMD2<Double>) throws {
        try pullBlock()
        try environment.step(toward: target)
        best = max(best, environment.reward)
    }

    mutating func grab(_ body: SceneCommand.Body, at point: SIMD2<Double>) {
        let point = Self.inside(point)
        let offset = body == .block ? environment.state.block.position - point : .zero
        hand = Hand(body: body, offset: offset, target: point)
    }

    /// Pulls what is held to a point; a block follows at once, the pusher in the next steps.
    mutating func drag(to point: SIMD2<Double>) throws {
        hand?.target = Self.inside(point)
        try pullBlock()
    }

    /// Turns the block about the point that is held, or about its own origin.
    mutating func turn(by angle: Double) throws {
        var pose = environment.state.block
        if let hand, hand.body == .block {
            let offset = Pose(position: .zero, angle: angle).point(hand.offset)
            self.hand?.offset = offset
            pose.position = hand.target + offset
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

    mutating func release() { hand = nil }

    /// The nearest point of the world.
    private static func inside(_ point: SIMD2<Double>) -> SIMD2<Double> {
        point.clamped(lowerBound: .zero, upperBound: SIMD2(repeating: side))
    }

    private mutating func pullBlock() throws {
        guard let hand, hand.body == .block else { return }
        let angle = environment.state.block.angle
        try environment.moveBlock(to: Pose(position: hand.target + hand.offset, angle: angle))
        best = max(best, environment.reward)
    }
}
