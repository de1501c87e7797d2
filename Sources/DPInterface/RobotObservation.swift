/// A robot's observation at one instant: named vectors (joints, object state, keypoints) and named camera images.
///
/// ```swift
/// let observation = RobotObservation(
///     vectors: ["joint_positions": [0.1, -0.6, 0.3, -1.9, 0, 1.4, 0.8], "gripper_width": [0.04]],
///     images: ["wrist": RGBImage(width: 128, height: 96, pixels: pixels)])
/// ```
public struct RobotObservation: Sendable, Equatable {
    /// Vectors by feature name, in raw units.
    public var vectors: [String: [Float]]
    /// Vectors that single precision cannot hold, such as time stamps and map coordinates; they take precedence
    /// over features of the same name in `vectors`.
    public var doubles: [String: [Double]]
    /// Camera images by feature name.
    public var images: [String: RGBImage]

    /// Creates an observation from features.
    public init(
        vectors: [String: [Float]] = [:], images: [String: RGBImage] = [:], doubles: [String: [Double]] = [:]
    ) {
        self.vectors = vectors
        self.images = images
        self.doubles = doubles
    }
}
