import PolicyInterface

/// Random changes of images' colours in training, so that a policy does not cling to the light of a day.
///
/// Each image is changed by factors of its own, first its brightness, then its contrast, then its saturation, as torchvision's `ColorJitter`
/// defines them (which takes them in random order).
public struct ColorJitter: Codable, Sendable, Hashable {
    /// Every number times a factor in 1 ± this; 0 by default.
    public var brightness: Double
    /// Distances from the image's mean grey times a factor in 1 ± this; 0 by default.
    public var contrast: Double
    /// Distances from each pixel's grey times a factor in 1 ± this; 0 by default.
    public var saturation: Double

    /// No changes by default.
    public init(brightness: Double = 0, contrast: Double = 0, saturation: Double = 0) {
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
    }

    /// Reads the ranges that are given; the others are 0.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        brightness = try fields.decodeIfPresent(Double.self, forKey: .brightness) ?? 0
        contrast = try fields.decodeIfPresent(Double.self, forKey: .contrast) ?? 0
        saturation = try fields.decodeIfPresent(Double.self, forKey: .saturation) ?? 0
    }

    /// Checks the ranges.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        for (key, value) in [("brightness", brightness), ("contrast", contrast), ("saturation", saturation)]
        where !(0...1).contains(value) {
            throw InvalidSetting(key: "color_jitter.\(key)", expected: "0 ... 1", found: value)
        }
    }

    /// Changes an image of pixels in −1 … 1, which stay there.
    func apply(to pixels: UnsafeMutableBufferPointer<Float>, key: RandomKey) {
        func factor(_ range: Double, _ index: Int) -> Float { Float(1 + range * (2 * key.uniform(at: index) - 1)) }
        let (brighter, starker, richer) = (factor(brightness, 0), factor(contrast, 1), factor(saturation, 2))
        var sum: Float = 0
        for index in stride(from: 0, to: pixels.count, by: 3) {
            for channel in index..<index + 3 { pixels[channel] = Self.bounded((pixels[channel] + 1) * brighter - 1) }
            sum += Self.grey(pixels, index)
        }
        let mean = sum / Float(pixels.count / 3)
        for index in stride(from: 0, to: pixels.count, by: 3) {
            for channel in index..<index + 3 {
                pixels[channel] = Self.bounded(mean + starker * (pixels[channel] - mean))
            }
            let grey = Self.grey(pixels, index)
            for channel in index..<index + 3 {
                pixels[channel] = Self.bounded(grey + richer * (pixels[channel] - grey))
            }
        }
    }

    private static func bounded(_ value: Float) -> Float { min(max(value, -1), 1) }

    /// The luma of a pixel, by the weights of ITU-R BT.601.
    private static func grey(_ pixels: UnsafeMutableBufferPointer<Float>, _ index: Int) -> Float {
        0.299 * pixels[index] + 0.587 * pixels[index + 1] + 0.114 * pixels[index + 2]
    }
}
