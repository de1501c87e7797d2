import Demonstrations
import Policies
import PolicyInterface

/// What one camera recorded, as training wants it: resized once, cropped on the way into a batch.
struct TrainingImages: Sendable {
    let name: String
    /// As recorded, which is what a policy is asked with.
    let recorded: RecordedImages
    private let resized: RecordedImages
    private let crop: ImageCrop

    /// - Throws: `ObservationError` when the demonstrations lack the camera, or `OutOfMemory`.
    init(_ selection: ImageSelection, of demonstrations: ReplayBuffer) throws {
        name = selection.name
        recorded = try demonstrations.images(selection.name)
        resized = try selection.resize.map(recorded.resized(to:)) ?? recorded
        crop = ImageCrop(selection)
    }

    /// How many numbers the network sees of an image.
    var count: Int { crop.part.count }

    /// Writes what the network sees of a frame: the middle, or with a key some other part, its colours changed.
    func write(
        _ frame: Int, key: RandomKey?, jitter: ColorJitter?, to values: UnsafeMutableBufferPointer<Float>
    ) {
        let corner =
            key.map { key in
                (
                    top: key.integer(below: crop.corners.rows, at: 0),
                    left: key.integer(below: crop.corners.columns, at: 1)
                )
            } ?? crop.middle
        let place = frame * crop.whole.count..<(frame + 1) * crop.whole.count
        resized.pixels.withUnsafeBufferPointer {
            crop.write(UnsafeBufferPointer(rebasing: $0[place]), at: corner, to: values)
        }
        if let key, let jitter { jitter.apply(to: values, key: key.folding("colors")) }
    }
}
