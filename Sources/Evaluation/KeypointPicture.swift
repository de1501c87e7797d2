public import PolicyInterface

/// Frames of a camera with the places that a policy looks at drawn on them, each keypoint in a colour of its own.
public struct KeypointPicture {
    /// The picture: frames beside and under each other, with thin gaps.
    public private(set) var image: RGBImage

    private static let gap = 4
    private static let background: Color = (24, 26, 31)

    /// Draws keypoints on frames.
    /// - Parameters:
    ///   - frames: images of one size, at least one.
    ///   - keypoints: for each frame the places, x to the right and y downwards, in its pixels; a number names the same keypoint in all frames.
    ///   - columns: frames in a row.
    ///   - enlargement: pixels of the picture for a pixel of a frame.
    public init(frames: [RGBImage], keypoints: [[SIMD2<Float>]], columns: Int = 4, enlargement: Int = 3) {
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

    /// A disc with a dark rim, cut off at the edges.
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

    /// Colours around the wheel, as far from each other as their number allows.
    private static func color(_ number: Int, of count: Int) -> Color {
        let hue = Float(number) / Float(count) * 6
        func component(_ shift: Float) -> UInt8 {
            let distance = abs((hue + shift).truncatingRemainder(dividingBy: 6) - 3)
            return UInt8(255 * min(max(distance - 1, 0), 1))
        }
        return (component(0), component(4), component(2))
    }
}
