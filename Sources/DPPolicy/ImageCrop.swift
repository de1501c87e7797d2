package import DPInterface

/// A crop of 8-bit images that also scales pixels from 0 … 255 to −1 … 1, the range of network inputs.
package struct ImageCrop: Sendable, Hashable {
    /// The size of the images.
    package let whole: ImageSize
    /// The size of the crop.
    package let part: ImageSize

    /// Creates the crop of a camera's images for the network.
    /// - Precondition: the selection is valid and its size is known.
    package init(_ image: ImageSelection) {
        guard let whole = image.uncroppedSize, let part = image.inputSize, whole.contains(part) else {
            preconditionFailure("image \(image.name): part \(image.inputSize as Any) of \(image.uncroppedSize as Any)")
        }
        self.whole = whole
        self.part = part
    }

    /// The number of possible crop positions along each axis.
    package var corners: (rows: Int, columns: Int) { (whole.height - part.height + 1, whole.width - part.width + 1) }

    /// The top-left corner of the center crop, which a policy uses during inference.
    package var centerCorner: (top: Int, left: Int) { whole.corner(ofCentered: part) }

    /// Writes the crop at a corner: `value = pixel / 127.5 − 1`.
    /// - Parameters:
    ///   - pixels: the image, `[height, width, 3]`.
    ///   - values: receives the crop, `[height, width, 3]`.
    package func write(
        _ pixels: UnsafeBufferPointer<UInt8>, at corner: (top: Int, left: Int),
        to values: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(
            pixels.count == whole.count && values.count == part.count && corner.top >= 0 && corner.left >= 0
                && corner.top < corners.rows && corner.left < corners.columns,
            "part \(part) at \(corner) of \(whole): \(pixels.count) pixels to \(values.count) values")
        let run = part.width * 3
        for row in 0..<part.height {
            let source = ((corner.top + row) * whole.width + corner.left) * 3
            for index in 0..<run { values[row * run + index] = Float(pixels[source + index]) * (1 / 127.5) - 1 }
        }
    }

    /// Writes the center crops of images one after another, `[image, height, width, 3]`.
    /// - Parameter selection: the selection that the crop was created for.
    func writeCenterCrops(of images: some Collection<RGBImage>, _ selection: ImageSelection, to values: inout [Float]) {
        values.withUnsafeMutableBufferPointer { values in
            for (index, image) in images.enumerated() {
                let place = index * part.count..<(index + 1) * part.count
                writeCenterCrop(of: image, selection, to: UnsafeMutableBufferPointer(rebasing: values[place]))
            }
        }
    }

    /// Writes the center crop of an image after resizing it.
    private func writeCenterCrop(
        of image: RGBImage, _ selection: ImageSelection, to values: UnsafeMutableBufferPointer<Float>
    ) {
        let resized = selection.resize.map(image.resized(to:)) ?? image
        resized.pixels.withUnsafeBufferPointer { write($0, at: centerCorner, to: values) }
    }
}
