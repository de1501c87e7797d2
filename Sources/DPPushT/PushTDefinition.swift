import DPBase

/// The constants of the Push-T task, which never change while an environment runs.
///
/// The defaults are those of Chi et al. 2023 (`PushTEnv` of the reference implementation), with which the published
/// demonstrations were recorded. The shape of the block is in `TBlock`.
package struct PushTDefinition: Codable, Sendable, Equatable {
    /// Pose of the block that earns full reward, in pixels and radians.
    package var goal = Pose(position: SIMD2(256, 256), angle: .pi / 4)
    /// Covered fraction of the goal above which the task is achieved, in 0 … 1.
    package var successCoverage = 0.95
    /// Control steps per second of simulated time.
    package var controlFrequency = 10
    /// Physics steps per second of simulated time, a multiple of `controlFrequency`.
    package var physicsFrequency = 100
    /// Acceleration of the agent for each pixel between it and its target, in 1/s².
    package var proportionalGain = 100.0
    /// Deceleration of the agent for each pixel per second of its speed, in 1/s.
    package var derivativeGain = 20.0
    /// Fraction of its velocity that a free body keeps after a second; with 0, the block stops as soon as nothing
    /// pushes it.
    package var damping = 0.0
    /// How seeds map to starts.
    package var seeds = Seeds.original
    /// How the block's start pose is set.
    package var resetOrder = ResetOrder.legacy
    /// Whether observations include the camera image, whose drawing takes longer than the physics.
    package var observesImage = false
    /// Probability that a keypoint is visible; below 1, observations also include `keypoint_mask`.
    package var keypointVisibility = 1.0

    enum CodingKeys: String, CodingKey {
        case goal
        case successCoverage = "success_coverage"
        case controlFrequency = "control_frequency"
        case physicsFrequency = "physics_frequency"
        case proportionalGain = "proportional_gain"
        case derivativeGain = "derivative_gain"
        case damping
        case seeds
        case resetOrder = "reset_order"
        case observesImage = "observes_image"
        case keypointVisibility = "keypoint_visibility"
    }

    /// The order in which the block's drawn position and angle are set; the block's origin is not its center of
    /// gravity.
    package enum ResetOrder: String, Codable, Sendable, CaseIterable {
        /// The position first, so that setting the angle swings the block's origin about the center of gravity.
        ///
        /// The published demonstrations and scores were made this way.
        case legacy
        /// The angle first, so that the block's origin is where it was drawn.
        case new
    }

    /// The simulator whose rule draws the start of an episode from its seed; the physics is the same.
    package enum Seeds: String, Codable, Sendable, CaseIterable {
        /// The original code of Chi et al. 2023 and gym-pusht up to 0.1.5: NumPy's legacy generator and a normal angle.
        ///
        /// Seed 100000 puts the agent at (235, 124).
        case original
        /// gym-pusht since 0.1.6: PCG64 and a uniform angle.
        ///
        /// Seed 100000 puts the agent at (113, 100). Scores with the two rules belong to different starts.
        case gymPushT = "gym-pusht"
    }

    /// The published task.
    package init() {}

    /// Physics steps per control step.
    package var physicsStepsPerControlStep: Int { physicsFrequency / controlFrequency }
    /// Simulated seconds per physics step.
    package var physicsStepDuration: Double { 1 / Double(physicsFrequency) }

    /// Checks that the simulation can run with these constants.
    /// - Throws: `InputError` for the first constant that is out of its range.
    package func validate() throws {
        try require("goal", goal.isPlausible, "finite and at most \(Pose.largestCoordinate) in magnitude", goal)
        try require(
            "successCoverage", successCoverage > 0 && successCoverage < 1, "in 0 … 1, exclusive", successCoverage)
        try require("controlFrequency", (1...1000).contains(controlFrequency), "in 1 … 1000", controlFrequency)
        try require(
            "physicsFrequency",
            (controlFrequency...10_000).contains(physicsFrequency) && physicsFrequency % controlFrequency == 0,
            "a multiple of the control frequency \(controlFrequency), at most 10000", physicsFrequency)
        try require(
            "proportionalGain", (0...10_000).contains(proportionalGain), "in 0 … 10000", proportionalGain)
        try require("derivativeGain", (0...1000).contains(derivativeGain), "in 0 … 1000", derivativeGain)
        try require("damping", (0...1).contains(damping), "in 0 … 1", damping)
        try require("keypointVisibility", (0...1).contains(keypointVisibility), "in 0 … 1", keypointVisibility)
    }

    private func require(_ feature: String, _ isMet: Bool, _ expected: String, _ found: Any) throws {
        if !isMet { throw InputError(key: "Push-T definition, \(feature)", expected: expected, found: found) }
    }
}
