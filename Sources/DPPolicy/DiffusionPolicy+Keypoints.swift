import DPBase
import DPGraph
package import DPInterface
import DPNetworks

extension DiffusionPolicy {
    /// Returns the keypoint positions of a camera's encoder in some of its images: x rightward and y downward, in
    /// pixels of the camera, `[image][keypoint]`.
    ///
    /// A keypoint is a mean over the cells of the feature map. Each of the five halvings of the encoder keeps a
    /// cell centered on every second cell of the finer map, so that cell `i` is centered around pixel `32 · i` of
    /// the network's input, which is the center crop of the resized image.
    /// - Throws: `InputError` when the policy has no such camera or an image has another size; also when
    ///   there is not enough memory.
    package func keypoints(ofCamera name: String, in images: [RGBImage]) throws -> [[SIMD2<Float>]] {
        let cameras = configuration.observations.images
        guard let camera = cameras.firstIndex(where: { $0.name == name }) else {
            throw InputError.missingImage(name, available: cameras.map(\.name))
        }
        guard !images.isEmpty else { return [] }
        let selection = cameras[camera]
        for image in images { try selection.check(image.size) }
        let finder = try KeypointFinder(self, camera: camera, count: images.count)
        let crop = ImageCrop(selection)
        let scale = SIMD2(
            Float(selection.size?.width ?? 1) / Float(crop.whole.width),
            Float(selection.size?.height ?? 1) / Float(crop.whole.height))
        let corner = SIMD2(Float(crop.centerCorner.left), Float(crop.centerCorner.top))
        let coordinates = try finder.coordinates(in: images, selection, crop)
        let count = coordinates.count / 2 / images.count
        return images.indices.map { image in
            (0..<count).map { keypoint in
                let index = 2 * (image * count + keypoint)
                let cell = (SIMD2(coordinates[index], coordinates[index + 1]) + 1) / 2 * finder.lastCell
                return (corner + 32 * cell + 0.5) * scale
            }
        }
    }
}

/// The part of a policy that finds keypoints, compiled for a number of images.
private struct KeypointFinder {
    /// The index of the last cell of the feature map in x and y.
    let lastCell: SIMD2<Float>
    private let executable: any Executable
    private let backend: any Backend
    private let count: Int

    init(_ policy: DiffusionPolicy, camera: Int, count: Int) throws {
        let encoder = policy.model.encoders[camera]
        let builder = GraphBuilder(parameters: policy.model.table)
        let images = builder.input(
            "image", [count, encoder.configuration.height, encoder.configuration.width, 3])
        let map = encoder.featureMap(images)
        let coordinates = encoder.keypoints(map)
        lastCell = SIMD2(Float(map.shape[2] - 1), Float(map.shape[1] - 1))
        backend = policy.backend
        executable = try backend.compile(
            builder.graph(outputs: [("coordinates", coordinates)]), parameters: policy.parameters, gradients: nil)
        self.count = coordinates.shape.count
    }

    /// Returns x and y of each keypoint in −1 … 1, `[image, keypoint, 2]`.
    func coordinates(in images: [RGBImage], _ selection: ImageSelection, _ crop: ImageCrop) throws -> [Float] {
        var pixels = [Float](repeating: 0, count: images.count * crop.part.count)
        crop.writeCenterCrops(of: images, selection, to: &pixels)
        return try backend.perform {
            executable.write("image", pixels)
            try executable.run(.iteration)
            return executable.read("coordinates", count: count)
        }
    }
}
