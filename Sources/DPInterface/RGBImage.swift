/// An 8-bit color image, `[height, width, channel]` in row-major order, channels red, green and blue.
///
/// ```swift
/// let image = RGBImage(width: 640, height: 480, pixels: pixels)
/// let (row, column) = (240, 320)
/// let start = (row * image.width + column) * 3
/// let (red, green, blue) = (image.pixels[start], image.pixels[start + 1], image.pixels[start + 2])
/// ```
public struct RGBImage: Sendable, Equatable {
    /// Pixels from left to right.
    public let width: Int
    /// Pixels from top to bottom.
    public let height: Int
    /// `height · width · 3` values.
    public var pixels: [UInt8]

    /// Creates an image from pixels.
    /// - Precondition: `pixels.count == width · height · 3`.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(pixels.count == width * height * 3, "\(pixels.count) values for \(width)×\(height)×3")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Creates an image of one color.
    public init(width: Int, height: Int, filledWith color: (red: UInt8, green: UInt8, blue: UInt8)) {
        var pixels = [UInt8](repeating: color.red, count: width * height * 3)
        for index in stride(from: 0, to: pixels.count, by: 3) {
            pixels[index + 1] = color.green
            pixels[index + 2] = color.blue
        }
        self.init(width: width, height: height, pixels: pixels)
    }
}
