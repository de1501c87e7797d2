import DPBase

/// Random color changes of training images, so that a policy does not depend on the lighting of the recordings.
///
/// Each image gets its own random factors for brightness, then contrast, then saturation, as torchvision's
/// `ColorJitter` defines them (which applies them in random order).
///
/// ```swift
/// var jitter = ColorJitter()
/// jitter.brightness = 0.3
/// jitter.contrast = 0.2
/// var recipe = try RecipeFile.read("custom-robot-cameras")
/// recipe.training.colorJitter = jitter
/// ```
public struct ColorJitter: Codable, Sendable, Hashable {
    /// The range of the factor 1 ± this for all values; 0 by default.
    public var brightness = 0.0
    /// The range of the factor 1 ± this for distances from the image's mean gray; 0 by default.
    public var contrast = 0.0
    /// The range of the factor 1 ± this for distances from each pixel's gray; 0 by default.
    public var saturation = 0.0

    /// Creates a jitter that changes nothing.
    public init() {}

    /// Checks the ranges.
    /// - Throws: `InputError`.
    package func validate() throws {
        for (key, value) in [("brightness", brightness), ("contrast", contrast), ("saturation", saturation)]
        where !(0...1).contains(value) {
            throw InputError(key: key, expected: "0 ... 1", found: value)
        }
    }

    /// Changes an image with pixel values in −1 … 1; the results stay in that range.
    func apply(to pixels: UnsafeMutableBufferPointer<Float>, key: RandomKey) {
        func factor(_ range: Double, _ index: Int) -> Float { Float(1 + range * (2 * key.uniform(at: index) - 1)) }
        let (brighter, starker, richer) = (factor(brightness, 0), factor(contrast, 1), factor(saturation, 2))
        var sum: Float = 0
        for index in stride(from: 0, to: pixels.count, by: 3) {
            for channel in index..<index + 3 { pixels[channel] = Self.bounded((pixels[channel] + 1) * brighter - 1) }
            sum += Self.gray(pixels, index)
        }
        let mean = sum / Float(pixels.count / 3)
        for index in stride(from: 0, to: pixels.count, by: 3) {
            for channel in index..<index + 3 {
                pixels[channel] = Self.bounded(mean + starker * (pixels[channel] - mean))
            }
            let gray = Self.gray(pixels, index)
            for channel in index..<index + 3 {
                pixels[channel] = Self.bounded(gray + richer * (pixels[channel] - gray))
            }
        }
    }

    private static func bounded(_ value: Float) -> Float { min(max(value, -1), 1) }

    /// The luma of a pixel, with the weights of ITU-R BT.601.
    private static func gray(_ pixels: UnsafeMutableBufferPointer<Float>, _ index: Int) -> Float {
        0.299 * pixels[index] + 0.587 * pixels[index + 1] + 0.114 * pixels[index + 2]
    }
}
