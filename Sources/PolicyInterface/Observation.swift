/// What a robot perceives at one instant: named vectors (joints, object state, keypoints) and named camera images.
public struct Observation: Sendable, Equatable {
    /// Vectors by field name, in raw units.
    public var vectors: [String: [Float]]
    /// Vectors that single precision cannot hold, such as time stamps and map coordinates; a field that is here and in `vectors` is taken from
    /// here.
    public var doubles: [String: [Double]]
    /// Camera images by field name.
    public var images: [String: RGBImage]

    /// An observation of the given fields.
    public init(
        vectors: [String: [Float]] = [:], images: [String: RGBImage] = [:], doubles: [String: [Double]] = [:]
    ) {
        self.vectors = vectors
        self.images = images
        self.doubles = doubles
    }
}
