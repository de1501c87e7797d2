import Demonstrations
import Evaluation
import Foundation
import Policies
import PolicyInterface

/// Frames of demonstrations with what a policy looks at drawn on them.
struct KeypointFrames {
    let policy: DiffusionPolicy
    let demonstrations: ReplayBuffer
    /// How many frames are shown.
    private static let count = 12

    /// The cameras that a policy looks at.
    /// - Throws: `CommandError` when there are none.
    static func cameras(of policy: DiffusionPolicy) throws -> [ImageSelection] {
        let cameras = policy.configuration.observations.images
        guard !cameras.isEmpty else {
            throw CommandError(
                place: "--keypoints", expected: "a policy that looks at images", found: "one that sees only numbers")
        }
        return cameras
    }

    /// Writes a picture of frames that are spread over all episodes, of one camera after another.
    /// - Throws: `ObservationError` when the demonstrations lack a camera, or `FileWriteError`.
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
        let places = zip(frames, keypoints).map { frame, places in
            places.map {
                $0 * SIMD2(Float(largest.width) / Float(frame.width), Float(largest.height) / Float(frame.height))
            }
        }
        try PNG.write(KeypointPicture(frames: shown, keypoints: places).image, to: file)
    }
}
