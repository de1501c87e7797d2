import DPBase
package import DPInterface
import Dispatch

extension InMemoryDataset {
    /// Returns the dataset with images rendered from a recorded feature, one per frame, such as from simulator
    /// states.
    /// - Parameters:
    ///   - name: the name of the images; replaces existing images of this name.
    ///   - size: the size of the images.
    ///   - feature: the feature to render from.
    ///   - render: renders the image of a frame from the feature's numbers; called from several threads at once.
    /// - Throws: `InputError` when there is no such feature or an image has another size; `OutOfMemory`; or
    ///   any error that `render` throws.
    package func rendering(
        _ name: String, size: ImageSize, from feature: String,
        _ render: @escaping @Sendable ([Float]) throws -> RGBImage
    ) throws -> InMemoryDataset {
        let source = try self.feature(feature)
        try AvailableMemory.check(frameCount * size.count)
        var pixels = [UInt8](repeating: 0, count: frameCount * size.count)
        var failures = [(any Error)?](repeating: nil, count: episodes.count)
        pixels.withUnsafeMutableBufferPointer { pixels in
            failures.withUnsafeMutableBufferPointer { failures in
                let target = Target(pixels: pixels, failures: failures)
                DispatchQueue.concurrentPerform(iterations: episodes.count) { episode in
                    do {
                        for frame in episodes[episode] {
                            let image = try render(source.recorded(frame: frame).map(Float.init))
                            guard image.size == size else {
                                throw InputError.wrongSize(
                                    image: name, expected: "\(size) pixels", found: image.size)
                            }
                            _ = target.pixels[frame * size.count..<(frame + 1) * size.count]
                                .update(fromContentsOf: image.pixels)
                        }
                    } catch { target.failures[episode] = error }
                }
            }
        }
        if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
        let others = images.values.filter { $0.name != name }
        return try InMemoryDataset(
            features: Array(features.values),
            images: others + [RecordedImages(name, size: size, pixels: pixels, drawnFrom: feature)],
            checkedEpisodeEnds: episodeEnds, episodeNumbers: episodeNumbers, source: "dataset")
    }

    /// Memory that several threads write to, each only to its own episodes.
    private struct Target: @unchecked Sendable {
        let pixels: UnsafeMutableBufferPointer<UInt8>
        let failures: UnsafeMutableBufferPointer<(any Error)?>
    }
}
