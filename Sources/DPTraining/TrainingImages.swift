import DPBase
import DPDatasets
import DPInterface
import DPPolicy

/// The images of one camera prepared for training: resized once, cropped when a batch is filled.
struct TrainingImages: Sendable {
    let name: String
    /// The images as recorded, which a policy receives.
    let recorded: RecordedImages
    private let resized: RecordedImages
    private let crop: ImageCrop

    /// - Throws: `InputError` when the demonstrations lack the camera, or `OutOfMemory`.
    init(_ selection: ImageSelection, of demonstrations: InMemoryDataset) throws {
        name = selection.name
        recorded = try demonstrations.images(selection.name)
        resized = try selection.resize.map(recorded.resized(to:)) ?? recorded
        crop = ImageCrop(selection)
    }

    /// The number of values of one cropped image.
    var count: Int { crop.part.count }

    /// Writes the network's input for a frame: the center crop, or with a key a random crop with changed colors.
    func write(
        _ frame: Int, key: RandomKey?, jitter: ColorJitter?, to values: UnsafeMutableBufferPointer<Float>
    ) {
        let corner =
            key.map { key in
                (
                    top: key.integer(below: crop.corners.rows, at: 0),
                    left: key.integer(below: crop.corners.columns, at: 1)
                )
            } ?? crop.centerCorner
        let place = frame * crop.whole.count..<(frame + 1) * crop.whole.count
        resized.pixels.withUnsafeBufferPointer {
            crop.write(UnsafeBufferPointer(rebasing: $0[place]), at: corner, to: values)
        }
        if let key, let jitter { jitter.apply(to: values, key: key.folding("colors")) }
    }
}
