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
    /// What is odd about the settings though they work, a sentence each; none while the size is unknown.
    public var warnings: [String] {
        guard let size else { return [] }
        var warnings: [String] = []
        let suggested = ImageSelection(suggestedFor: name, of: size)
        if let crop, let whole = uncroppedSize {
            let share = Double(crop.count) / Double(whole.count)
            if share < 0.25 {
                let hint = resize == nil ? "; resize is missing, such as \(suggested.settings)" : ""
                warnings.append(
                    """
                    image \(name): the crop of \(crop) is \(Int((share * 100).rounded())) % of the picture of \(whole), and what lies outside \
                    of its middle is not seen when the policy acts\(hint)
                    """)
            }
        }
        if let resize {
            let change = Double(resize.width * size.height) / Double(resize.height * size.width)
            if max(change, 1 / change) > 1.03 {
                warnings.append(
                    """
                    image \(name): the resize from \(size) to \(resize) changes the aspect by a factor of \
                    \(Double((max(change, 1 / change) * 100).rounded()) / 100); \(suggested.settings) keeps it
                    """)
            }
        }
        return warnings
    }

    /// Settings for a camera that an encoder sees nearly all of: the shorter side 96 pixels where it is more than 128, a crop of seven eighths.
    public init(suggestedFor name: String, of size: ImageSize) {
        let shorter = min(size.height, size.width)
        var resize: ImageSize?
        if shorter > 128 || shorter < 40 {
            func scaled(_ side: Int) -> Int { (side * 96 + shorter / 2) / max(shorter, 1) }
            resize = ImageSize(height: scaled(size.height), width: scaled(size.width))
        }
        let whole = resize ?? size
        self.init(
            name, size: size, resize: resize, crop: ImageSize(height: whole.height * 7 / 8, width: whole.width * 7 / 8))
    }

    /// The settings as a recipe has them: `resize: [96, 128], crop: [84, 112]`.
    public var settings: String {
        func text(_ size: ImageSize?) -> String { size.map { "[\($0.height), \($0.width)]" } ?? "null" }
        return "resize: \(text(resize)), crop: \(text(crop))"
    }

    /// Checks that an image is one of this camera.
    /// - Throws: `ObservationError`, naming the image.
    public func check(_ found: ImageSize) throws {
        if let size, size != found {
            throw ObservationError.wrongSize(image: name, expected: "\(size) pixels", found: found)
        }
    }
}
