import Dispatch
import MachineResources
public import PolicyInterface

extension ReplayBuffer {
    /// The demonstrations with images drawn from a recorded field, one a frame, such as those of a simulator's states.
    /// - Parameters:
    ///   - name: what the images are called; images of this name are replaced.
    ///   - size: their size.
    ///   - field: the field that they are drawn from.
    ///   - render: draws the image of a frame from the field's numbers in it; called by several threads at once.
    /// - Throws: `ObservationError` when there is no such field or an image has another size; `OutOfMemory`; or what `render` throws.
    public func rendering(
        _ name: String, size: ImageSize, from field: String,
        _ render: @escaping @Sendable ([Float]) throws -> RGBImage
    ) throws -> ReplayBuffer {
        let source = try self.field(field)
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
                                throw ObservationError.wrongSize(
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
        return try ReplayBuffer(
            fields: Array(fields.values),
            images: others + [RecordedImages(name, size: size, pixels: pixels, drawnFrom: field)],
            checkedEpisodeEnds: episodeEnds, episodeNumbers: episodeNumbers, source: "replay buffer")
    }

    /// Memory that threads write to, each the part of its own episodes.
    private struct Target: @unchecked Sendable {
        let pixels: UnsafeMutableBufferPointer<UInt8>
        let failures: UnsafeMutableBufferPointer<(any Error)?>
    }
}
