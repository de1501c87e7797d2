import DPBase
import DPDatasets
import DPEvaluation
import DPInterface
import DPPolicy
import Foundation

/// Frames of a dataset with the keypoints of a policy's image encoders drawn on them.
struct KeypointFrames {
    let policy: DiffusionPolicy
    let demonstrations: InMemoryDataset
    /// The number of frames shown.
    private static let count = 12

    /// Returns the cameras that a policy observes.
    /// - Throws: `InputError` when there are none.
    static func cameras(of policy: DiffusionPolicy) throws -> [ImageSelection] {
        let cameras = policy.configuration.observations.images
        guard !cameras.isEmpty else {
            throw InputError(
                at: "--keypoints", expected: "a policy that observes images", found: "a policy without cameras")
        }
        return cameras
    }

    /// Writes an image of frames spread evenly over the dataset, camera by camera.
    /// - Throws: `InputError` when the dataset lacks a camera, or `FileSystemError`.
    func write(to file: URL) throws {
        let cameras = try Self.cameras(of: policy)
        var frames: [RGBImage] = []
        var keypoints: [[SIMD2<Float>]] = []
        for camera in cameras {
            let recorded = try demonstrations.images(camera.name)
            let count = min(max(Self.count / cameras.count, 1), demonstrations.frameCount)
            let chosen = (0..<count).map { recorded[(2 * $0 + 1) * demonstrations.frameCount / (2 * count)] }
            keypoints += try policy.keypoints(ofCamera: camera.name, in: chosen)
            frames += chosen
        }
        let largest = frames.map(\.size).max { $0.count < $1.count } ?? frames[0].size
        let shown = frames.map { $0.resized(to: largest) }
        let coordinates = zip(frames, keypoints).map { frame, coordinates in
            coordinates.map {
                $0 * SIMD2(Float(largest.width) / Float(frame.width), Float(largest.height) / Float(frame.height))
            }
        }
        try PNG.write(KeypointPicture(frames: shown, keypoints: coordinates).image, to: file)
    }
}
