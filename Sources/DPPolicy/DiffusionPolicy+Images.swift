import DPBase
import DPInterface

extension DiffusionPolicy {
    /// Preprocesses the images of some items and writes them into the network's inputs.
    func writeInputs(from images: [String: [RGBImage]], items: Range<Int>, to inputs: inout [[Float]]) {
        for (camera, selection) in configuration.observations.images.enumerated() {
            let rows = items.lowerBound * horizon.observation..<items.upperBound * horizon.observation
            let chosen = images[selection.name, default: []][rows]
            ImageCrop(selection).writeCenterCrops(of: chosen, selection, to: &inputs[camera])
        }
    }
}

extension PolicyConfiguration {
    /// Checks that there are images of each camera and no others, one per observation of `count` items, all of the
    /// camera's size.
    func check(_ images: [String: [RGBImage]], count: Int) throws {
        let cameras = observations.images
        if let name = images.keys.filter({ name in !cameras.contains { $0.name == name } }).min() {
            throw InputError.unexpectedImage(name, known: cameras.map(\.name))
        }
        for camera in cameras {
            guard let found = images[camera.name] else {
                throw InputError.missingImage(camera.name, available: images.keys.sorted())
            }
            guard found.count == count * horizon.observation else {
                throw PolicyError.wrongImageCount(
                    camera: camera.name, expected: count * horizon.observation, found: found.count)
            }
            for image in found { try camera.check(image.size) }
        }
    }
}
