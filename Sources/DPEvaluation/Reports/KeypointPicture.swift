package import DPInterface

/// Camera frames with a policy's keypoints drawn on them, each keypoint in its own color.
package struct KeypointPicture {
    /// The picture: a grid of frames with thin gaps.
    package private(set) var image: RGBImage

    private static let gap = 4
    private static let background: Color = (24, 26, 31)

    /// Draws keypoints on frames.
    /// - Parameters:
    ///   - frames: images of one size, at least one.
    ///   - keypoints: the positions for each frame, x to the right and y downward, in pixels of the frame; an index
    ///     refers to the same keypoint in all frames.
    ///   - columns: frames per row.
    ///   - enlargement: pixels of the picture per pixel of a frame.
    package init(frames: [RGBImage], keypoints: [[SIMD2<Float>]], columns: Int = 4, enlargement: Int = 3) {
        precondition(
            !frames.isEmpty && frames.count == keypoints.count && columns > 0 && enlargement > 0,
            "\(frames.count) frames, \(keypoints.count) lists of keypoints, \(columns) columns")
        let (width, height) = (frames[0].width * enlargement, frames[0].height * enlargement)
        let columns = min(columns, frames.count)
        let rows = (frames.count + columns - 1) / columns
        image = RGBImage(
            width: columns * (width + Self.gap) + Self.gap, height: rows * (height + Self.gap) + Self.gap,
            filledWith: Self.background)
        for (index, frame) in frames.enumerated() {
            var tile = frame.resized(to: ImageSize(height: height, width: width))
            for (number, place) in keypoints[index].enumerated() {
                Self.mark(
                    place * Float(enlargement), with: Self.color(number, of: keypoints[index].count), in: &tile,
                    radius: 2 * enlargement)
            }
            image.paste(
                tile, x: Self.gap + index % columns * (width + Self.gap),
                y: Self.gap + index / columns * (height + Self.gap))
        }
    }

    /// Draws a disc with a dark rim, clipped at the edges.
    private static func mark(_ place: SIMD2<Float>, with color: Color, in image: inout RGBImage, radius: Int) {
        guard place.x.isFinite, place.y.isFinite, abs(place.x) < 1e6, abs(place.y) < 1e6 else { return }
        let (x, y) = (Int(place.x.rounded(.down)), Int(place.y.rounded(.down)))
        for row in -radius...radius {
            for column in -radius...radius {
                let distance = row * row + column * column
                guard distance <= radius * radius else { continue }
                let isRim = distance > (radius - 1) * (radius - 1)
                image.fill(x + column..<x + column + 1, y + row..<y + row + 1, with: isRim ? background : color)
            }
        }
    }

    /// Returns one of `count` colors with evenly spaced hues.
    private static func color(_ number: Int, of count: Int) -> Color {
        let hue = Float(number) / Float(count) * 6
        func component(_ shift: Float) -> UInt8 {
            let distance = abs((hue + shift).truncatingRemainder(dividingBy: 6) - 3)
            return UInt8(255 * min(max(distance - 1, 0), 1))
        }
        return (component(0), component(4), component(2))
    }
}
