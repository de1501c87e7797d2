import DPBase
public import DPInterface

/// The Push-T task: a round agent pushes a T-shaped block onto its goal.
///
/// (Florence, Lynch and others 2021; Chi, Feng and others 2023.) An action is the point `[x, y]`, in pixels of a
/// world of 512 × 512, toward which the agent moves for a tenth of a second. The same seed and actions give the
/// same states to the last bit. An environment owns a physical world and is therefore a class; different
/// environments share nothing and may run on different threads, each on one thread at a time.
///
/// The physics reproduces `PushTEnv` of the reference implementation, with which the published demonstrations were
/// recorded.
///
/// ```swift
/// let environment = PushTEnvironment(seed: 100_000)
/// try environment.step([256, 256])  // moves the agent toward the center for 0.1 s
/// print(environment.observation.vectors["state", default: []])
/// print("covered:", environment.coverage, "reward:", environment.reward)
/// let picture = environment.render(side: 512)
/// ```
public final class PushTEnvironment: SimulatedEnvironment {
    /// The constants of the task.
    package let definition: PushTDefinition
    /// Control steps since the start of the episode.
    public private(set) var stepCount = 0
    /// Covered fraction of the goal, in 0 … 1.
    public private(set) var coverage = 0.0

    private var space: PushTSpace
    private var visibilityKey = RandomKey(seed: 0)

    /// An environment at the start of the episode of a seed.
    public convenience init(seed: UInt64) { self.init(seed: seed, definition: PushTDefinition()) }

    /// An environment at the start of the episode of a seed, with other constants of the task.
    /// - Precondition: `definition` is valid.
    package init(seed: UInt64, definition: PushTDefinition) {
        do { try definition.validate() } catch { preconditionFailure("\(error)") }
        self.definition = definition
        space = PushTSpace(damping: definition.damping)
        reset(seed: seed)
    }

    /// An environment that starts with everything at rest at a given state.
    /// - Throws: `InputError` when the definition is invalid or the state is not finite.
    package init(state: PushTState, definition: PushTDefinition = PushTDefinition()) throws {
        try definition.validate()
        self.definition = definition
        space = PushTSpace(damping: definition.damping)
        try reset(to: state)
    }

    /// Starts the episode of a seed, from the state that the simulator named by the definition's `seeds` draws for it.
    public func reset(seed: UInt64) {
        visibilityKey = RandomKey(seed: seed)
        begin(PushTState(drawnFrom: seed, by: definition.seeds), order: definition.resetOrder)
    }

    /// Starts an episode at exactly the given state; `resetOrder` has no effect.
    /// - Throws: `InputError` when a number is not finite or too large; the episode is then unchanged.
    package func reset(to state: PushTState) throws {
        try state.validate()
        visibilityKey = RandomKey(seed: 0)
        begin(state, order: .new)
    }

    /// Makes a new world, because an old one keeps its contacts, and runs one physics step to settle it.
    private func begin(_ state: PushTState, order: PushTDefinition.ResetOrder) {
        space = PushTSpace(damping: definition.damping)
        space.place(state, order: order)
        space.advance(by: definition.physicsStepDuration)
        stepCount = 0
        measure()
    }

    /// Moves the agent toward `[x, y]` for one control step.
    /// - Throws: `InputError` when these are not two plausible numbers; the state is then unchanged.
    public func step(_ action: [Float]) throws {
        guard action.count == 2 else { throw InputError.pushTAction(found: action.map(Double.init)) }
        try step(toward: SIMD2(Double(action[0]), Double(action[1])))
    }

    /// Moves the agent toward a point, in pixels, for one control step.
    /// - Throws: `InputError` when a coordinate is not finite or too large; the state is then unchanged.
    public func step(toward target: SIMD2<Double>) throws {
        guard target.isPlausible else { throw InputError.pushTAction(found: [target.x, target.y]) }
        let duration = definition.physicsStepDuration
        for _ in 0..<definition.physicsStepsPerControlStep {
            space.accelerate { [definition] position, velocity in
                // The agent is a mass on a spring with a damper: gains as in `PushTEnv.step`.
                let pull = definition.proportionalGain * (target - position) - definition.derivativeGain * velocity
                return pull * duration
            }
            space.advance(by: duration)
        }
        stepCount += 1
        measure()
    }

    /// Moves agent and block to a state without starting an episode; velocities are kept.
    func place(_ state: PushTState) {
        space.place(state, order: .new)
        measure()
    }

    private func measure() {
        coverage = TBlock.coverage(of: definition.goal, by: space.state.block)
    }

    /// The state of the agent and the block, with the angle of the block in 0 ..< 2π.
    package var state: PushTState {
        var state = space.state
        let remainder = state.block.angle.truncatingRemainder(dividingBy: 2 * .pi)
        state.block.angle = remainder < 0 ? remainder + 2 * .pi : remainder
        return state
    }

    /// Covered fraction of the goal relative to `successCoverage`, at most 1.
    public var reward: Float { Float(exactReward) }

    /// The reward before rounding to `Float`.
    var exactReward: Double { min(max(coverage / definition.successCoverage, 0), 1) }

    /// Whether the block covers more than `successCoverage` of the goal.
    public var isSuccess: Bool { coverage > definition.successCoverage }

    /// Nine tracked points of the block, in pixels.
    public var keypoints: [SIMD2<Double>] { TBlock.keypoints.map(space.state.block.placement()) }

    /// The vectors `state` (agent x, y, block x, y, angle in 0 ..< 2π) and `keypoint` (nine times x, y) in pixels
    /// and radians, and the features that the definition adds.
    ///
    /// With a `keypointVisibility` below 1, the vector `keypoint_mask` marks every coordinate as visible (1) or
    /// hidden (0); `keypoint` keeps the hidden ones, as in `PushTKeypointsEnv` of the reference. With
    /// `observesImage`, there is also the image `img`, named as in the published demonstrations.
    public var observation: RobotObservation {
        let state = state
        var observation = RobotObservation(vectors: [
            "state": state.values.map(Float.init),
            "keypoint": keypoints.flatMap { [Float($0.x), Float($0.y)] },
        ])
        if definition.keypointVisibility < 1 {
            let key = visibilityKey.folding(stepCount)
            observation.vectors["keypoint_mask"] = TBlock.keypoints.indices.flatMap { index in
                let isSeen = key.uniform(at: index) < definition.keypointVisibility
                return [Float](repeating: isSeen ? 1 : 0, count: 2)
            }
        }
        if definition.observesImage { observation.images["img"] = observationImage() }
        return observation
    }

    /// The size of the camera image.
    public static let observationImageSize = ImageSize(height: 96, width: 96)

    /// The camera image of the published demonstrations, 96 × 96 pixels.
    public func observationImage() -> RGBImage {
        PushTPicture(goal: definition.goal, state: state).observationImage(side: Self.observationImageSize.width)
    }

    /// The camera image of a recorded state, such as the demonstrations' `state`: agent x and y, block x, y and angle.
    /// - Throws: `InputError` when these are not five plausible numbers.
    package static func observationImage(
        ofState values: [Float], definition: PushTDefinition = PushTDefinition()
    ) throws -> RGBImage {
        PushTPicture(goal: definition.goal, state: try PushTState(values.map(Double.init)))
            .observationImage(side: observationImageSize.width)
    }

    /// Renders the current state for display: `side` × `side` pixels, with smooth edges.
    /// - Precondition: `side` is in 1 … 4096.
    public func render(side: Int) -> RGBImage {
        precondition((1...4096).contains(side), "a picture of side \(side)")
        return PushTPicture(goal: definition.goal, state: state).smoothImage(side: side)
    }
}
