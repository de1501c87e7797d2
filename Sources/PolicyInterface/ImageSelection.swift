/// A camera image that a policy sees: which field it is, and which part of it the network gets.
public struct ImageSelection: Codable, Sendable, Hashable {
    /// The field, by its name in the demonstrations and in an `Observation`.
    public var name: String
    /// The size of the camera's images; unknown until the selection is resolved against demonstrations.
    public var size: ImageSize?
    /// The size that images are brought to first, by bilinear interpolation; nil leaves them as they are.
    public var resize: ImageSize?
    /// The size of the part that the network sees: anywhere in training, the middle when acting; nil for all of the image.
    public var crop: ImageSize?

    /// A camera's images, all of them and as they are by default.
    public init(_ name: String, size: ImageSize? = nil, resize: ImageSize? = nil, crop: ImageSize? = nil) {
        self.name = name
        self.size = size
        self.resize = resize
        self.crop = crop
    }

    /// The size of what is cropped, if it is known.
    public var uncroppedSize: ImageSize? { resize ?? size }
    /// The size of what the network sees, if it is known.
    public var seenSize: ImageSize? { crop ?? uncroppedSize }

    /// The longest side that is supported.
    public static let largestSide = 4096

    /// Checks the sizes, as far as they are known.
    /// - Throws: `InvalidSetting`, naming the image.
    public func validate() throws {
        for (key, value) in [("size", size), ("resize", resize), ("crop", crop)] {
            guard let value else { continue }
            let range = 1...Self.largestSide
            guard range.contains(value.height), range.contains(value.width) else {
                throw InvalidSetting(
                    key: "observations, image \(name), \(key)", expected: "[height, width], each in \(range)",
                    found: [value.height, value.width])
            }
        }
        if let crop, let whole = uncroppedSize, !whole.contains(crop) {
            throw InvalidSetting(
                key: "observations, image \(name), crop", expected: "at most \(whole), the size of the image",
                found: crop)
        }
    }
}

extension ImageSelection {
    /// Checks that an image is one of this camera.
    /// - Throws: `ObservationError`, naming the image.
    public func check(_ found: ImageSize) throws {
        if let size, size != found {
            throw ObservationError.wrongSize(image: name, expected: "\(size) pixels", found: found)
        }
    }
}
