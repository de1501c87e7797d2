import DPBase

/// A camera image that a policy observes: its feature, and the part that the network receives.
///
/// ```swift
/// var recipe = try RecipeFile.read("custom-robot-cameras")
/// recipe.policy.observations.images = [
///     ImageSelection(
///         "wrist", resize: ImageSize(height: 96, width: 128), crop: ImageSize(height: 84, width: 112))
/// ]
/// ```
public struct ImageSelection: Codable, Sendable, Hashable {
    /// The feature's name in the dataset and in a `RobotObservation`.
    public var name: String
    /// The size of the camera's images; unknown until the selection is resolved against a dataset.
    package var size: ImageSize?
    /// The size to which images are resized first, by bilinear interpolation; nil leaves them unchanged.
    public var resize: ImageSize?
    /// The size of the part that the network receives: at any position in training, the center at inference; nil
    /// for the whole image.
    public var crop: ImageSize?

    /// Creates a selection of a camera's images, whole and unchanged by default.
    public init(_ name: String, size: ImageSize? = nil, resize: ImageSize? = nil, crop: ImageSize? = nil) {
        self.name = name
        self.size = size
        self.resize = resize
        self.crop = crop
    }

    /// The size of the image before cropping, if known.
    package var uncroppedSize: ImageSize? { resize ?? size }
    /// The size of the image that the network receives, if known.
    package var inputSize: ImageSize? { crop ?? uncroppedSize }

    /// The longest supported side.
    package static let largestSide = 4096

    /// Checks the known sizes.
    /// - Throws: `InputError`, with the name of the image.
    package func validate() throws {
        for (key, value) in [("size", size), ("resize", resize), ("crop", crop)] {
            guard let value else { continue }
            let range = 1...Self.largestSide
            guard range.contains(value.height), range.contains(value.width) else {
                throw InputError(
                    key: "observations, image \(name), \(key)", expected: "[height, width], each in \(range)",
                    found: [value.height, value.width])
            }
        }
        if let crop, let whole = uncroppedSize, !whole.contains(crop) {
            throw InputError(
                key: "observations, image \(name), crop", expected: "at most \(whole), the size of the image",
                found: crop)
        }
    }
}

extension ImageSelection {
    /// Warnings about valid but unusual settings, one sentence each; none while the size is unknown.
    package var warnings: [String] {
        guard let size else { return [] }
        var warnings: [String] = []
        let suggested = ImageSelection(suggestedFor: name, of: size)
        if let crop, let whole = uncroppedSize {
            let share = Double(crop.count) / Double(whole.count)
            if share < 0.25 {
                let hint = resize == nil ? "; resize is missing, such as \(suggested.settings)" : ""
                warnings.append(
                    """
                    image \(name): the crop of \(crop) covers \(Int((share * 100).rounded())) % of the \(whole) image, \
                    and inference uses only the center crop\(hint)
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

    /// Creates suggested settings for a camera, with which an encoder receives nearly all of the image: the shorter
    /// side resized to 96 pixels if it is more than 128 or less than 40, and a crop of seven eighths.
    package init(suggestedFor name: String, of size: ImageSize) {
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

    /// The settings in recipe syntax: `resize: [96, 128], crop: [84, 112]`.
    package var settings: String {
        func text(_ size: ImageSize?) -> String { size.map { "[\($0.height), \($0.width)]" } ?? "null" }
        return "resize: \(text(resize)), crop: \(text(crop))"
    }

    /// Checks that an image has the size of this camera's images.
    /// - Throws: `InputError`, with the name of the image.
    package func check(_ found: ImageSize) throws {
        if let size, size != found {
            throw InputError.wrongSize(image: name, expected: "\(size) pixels", found: found)
        }
    }
}
