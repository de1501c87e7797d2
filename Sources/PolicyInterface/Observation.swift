/// What a robot perceives at one instant: named vectors (joints, object state, keypoints) and named camera images.
public struct Observation: Sendable, Equatable {
    /// Vectors by field name, in raw units.
    public var vectors: [String: [Float]]
    /// Camera images by field name.
    public var images: [String: RGBImage]

    /// An observation of the given fields.
    public init(vectors: [String: [Float]] = [:], images: [String: RGBImage] = [:]) {
        self.vectors = vectors
        self.images = images
    }
}
