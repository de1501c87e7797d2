/// Height and width of an image in pixels; `[height, width]` in files.
///
/// ```swift
/// let size = ImageSize(height: 480, width: 640)
/// let black = [UInt8](repeating: 0, count: size.height * size.width * 3)
/// let recording = RecordedImages("scene", size: size, pixels: black)  // one frame of 480×640
/// ```
public struct ImageSize: Sendable, Hashable, CustomStringConvertible {
    /// Pixels from top to bottom.
    public var height: Int
    /// Pixels from left to right.
    public var width: Int

    /// Creates a size.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// The number of values in a color image of this size.
    package var count: Int { height * width * 3 }

    /// Returns whether an image of another size fits inside an image of this size.
    package func contains(_ other: ImageSize) -> Bool { other.height <= height && other.width <= width }

    /// Returns the top left corner of the centered part of a given size, halves rounded to even numbers as in
    /// torchvision's `CenterCrop`.
    package func corner(ofCentered part: ImageSize) -> (top: Int, left: Int) {
        func half(_ length: Int) -> Int { Int((Double(length) / 2).rounded(.toNearestOrEven)) }
        return (half(height - part.height), half(width - part.width))
    }

    /// As in `96×96`, the height first.
    public var description: String { "\(height)×\(width)" }
}

extension ImageSize: Codable {
    /// Reads `[height, width]`.
    public init(from decoder: any Decoder) throws {
        let extents = try [Int](from: decoder)
        guard extents.count == 2 else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "a size is [height, width], not a list of \(extents.count)"))
        }
        self.init(height: extents[0], width: extents[1])
    }

    /// Writes `[height, width]`.
    public func encode(to encoder: any Encoder) throws { try [height, width].encode(to: encoder) }
}
