import DPInterface

/// Draws numbers into pictures with a built-in font of 5 × 7 dots.
enum BitmapFont {
    /// Width of a character and the gap after it, in dots.
    static let advance = 6
    /// Height of a character, in dots.
    static let height = 7

    /// Draws a text of digits, spaces and `.%-`; other characters are left blank, and parts outside the picture are
    /// clipped.
    /// - Parameters:
    ///   - text: the text to draw.
    ///   - x: left edge, in pixels.
    ///   - y: upper edge, in pixels.
    ///   - scale: pixels per dot.
    ///   - color: red, green and blue.
    ///   - image: the picture to draw into.
    static func draw(_ text: String, x: Int, y: Int, scale: Int, color: Color, into image: inout RGBImage) {
        for (position, character) in text.enumerated() {
            guard let glyph = glyphs[character] else { continue }
            for (row, bits) in glyph.enumerated() {
                for column in 0..<5 where bits >> (4 - column) & 1 == 1 {
                    let left = x + (position * advance + column) * scale
                    image.fill(left..<left + scale, y + row * scale..<y + (row + 1) * scale, with: color)
                }
            }
        }
    }

    /// Seven rows per character, the leftmost dot in the highest of five bits.
    private static let glyphs: [Character: [UInt8]] = [
        "0": [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        "1": [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        "2": [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        "3": [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
        "4": [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        "5": [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        "6": [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        "7": [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        "8": [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        "9": [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        ".": [0, 0, 0, 0, 0, 0b01100, 0b01100],
        "-": [0, 0, 0, 0b01110, 0, 0, 0],
        "%": [0b11000, 0b11001, 0b00010, 0b00100, 0b01000, 0b10011, 0b00011],
    ]
}

/// Red, green and blue.
typealias Color = (red: UInt8, green: UInt8, blue: UInt8)

extension RGBImage {
    /// Fills a rectangle, clipped at the edges.
    mutating func fill(_ columns: Range<Int>, _ rows: Range<Int>, with color: Color) {
        let columns = columns.clamped(to: 0..<width)
        for row in rows.clamped(to: 0..<height) {
            for column in columns {
                let index = (row * width + column) * 3
                pixels[index] = color.red
                pixels[index + 1] = color.green
                pixels[index + 2] = color.blue
            }
        }
    }

    /// Copies another picture into this one, clipped at the edges.
    mutating func paste(_ image: RGBImage, x: Int, y: Int) {
        let columns = (x..<x + image.width).clamped(to: 0..<width)
        for row in (y..<y + image.height).clamped(to: 0..<height) {
            let source = ((row - y) * image.width + columns.lowerBound - x) * 3
            let target = (row * width + columns.lowerBound) * 3
            pixels.replaceSubrange(
                target..<target + columns.count * 3, with: image.pixels[source..<source + columns.count * 3])
        }
    }
}
