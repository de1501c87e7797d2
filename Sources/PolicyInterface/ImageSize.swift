/// Height and width of an image in pixels; `[height, width]` in files.
public struct ImageSize: Sendable, Hashable, CustomStringConvertible {
    /// Pixels from top to bottom.
    public var height: Int
    /// Pixels from left to right.
    public var width: Int

    /// A size of its two extents.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// How many numbers a colour image of this size has.
    public var count: Int { height * width * 3 }

    /// Whether an image of another size lies inside of one of this size.
    public func contains(_ other: ImageSize) -> Bool { other.height <= height && other.width <= width }

    /// The top left corner of the middle part of a size, halves rounded to even numbers as torchvision's `CenterCrop` does.
    public func corner(ofCentred part: ImageSize) -> (top: Int, left: Int) {
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
