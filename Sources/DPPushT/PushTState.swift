import DPBase

/// The observable state of the Push-T world at one instant.
///
/// It does not include velocities: the block loses its velocity at once, and the agent's belongs to its controller.
package struct PushTState: Sendable, Equatable {
    /// Center of the round agent, in pixels.
    package var agent: SIMD2<Double>
    /// Pose of the block; its origin is the middle of the T's upper edge.
    package var block: Pose

    /// A state with the agent's position and the block's pose.
    package init(agent: SIMD2<Double>, block: Pose) {
        self.agent = agent
        self.block = block
    }

    /// A state from its five numbers: agent x and y, block x and y in pixels, block angle in radians.
    /// - Throws: `InputError` when there are not five, or when they are not finite or too large.
    package init(_ values: [Double]) throws {
        guard values.count == 5 else { throw InputError.pushTState(found: values) }
        self.init(
            agent: SIMD2(values[0], values[1]),
            block: Pose(position: SIMD2(values[2], values[3]), angle: values[4]))
        try validate()
    }

    /// Agent x and y, block x and y in pixels, block angle in radians: the order of the published demonstrations.
    package var values: [Double] { [agent.x, agent.y, block.position.x, block.position.y, block.angle] }

    /// Checks that the physics can work with this state.
    /// - Throws: `InputError` when a number is not finite or too large.
    package func validate() throws {
        guard agent.isPlausible, block.isPlausible else { throw InputError.pushTState(found: values) }
    }
}

extension PushTState {
    /// Draws the start of an episode, equal to the one that a published simulator draws for the same seed.
    ///
    /// The agent is uniform in 50 ..< 450 and the block in 100 ..< 400, in whole pixels. The angle is a normal
    /// number · 2π − π in the original (`PushTEnv.reset`), and uniform in −π ..< π in newer versions of gym-pusht.
    init(drawnFrom seed: UInt64, by seeds: PushTDefinition.Seeds) {
        let agent: SIMD2<Double>
        let position: SIMD2<Double>
        let angle: Double
        switch seeds {
        case .original:
            var random = NumPyLegacyGenerator(seed: seed)
            agent = SIMD2(Double(random.integer(in: 50..<450)), Double(random.integer(in: 50..<450)))
            position = SIMD2(Double(random.integer(in: 100..<400)), Double(random.integer(in: 100..<400)))
            angle = random.normal() * 2 * .pi - .pi
        case .gymPushT:
            var random = NumPyGenerator(seed: seed)
            agent = SIMD2(Double(random.integer(in: 50..<450)), Double(random.integer(in: 50..<450)))
            position = SIMD2(Double(random.integer(in: 100..<400)), Double(random.integer(in: 100..<400)))
            angle = random.uniform(in: -.pi ..< .pi)
        }
        self.init(agent: agent, block: Pose(position: position, angle: angle))
    }
}
