extension RGBImage {
    /// Height and width.
    public var size: ImageSize { ImageSize(height: height, width: width) }

    /// The image in another size, by bilinear interpolation between the four nearest pixels, whose centres lie at halves.
    public func resized(to newSize: ImageSize) -> RGBImage {
        if newSize == size { return self }
        let rows = Self.taps(newSize.height, of: height)
        let columns = Self.taps(newSize.width, of: width)
        var resized: [UInt8] = []
        resized.reserveCapacity(newSize.count)
        for row in rows {
            for column in columns {
                for channel in 0..<3 {
                    func value(_ row: Int, _ column: Int) -> Float {
                        Float(pixels[(row * width + column) * 3 + channel])
                    }
                    let upper = Self.mix(
                        value(row.first, column.first), value(row.first, column.second), column.weight)
                    let lower = Self.mix(
                        value(row.second, column.first), value(row.second, column.second), column.weight)
                    resized.append(UInt8(Self.mix(upper, lower, row.weight).rounded()))
                }
            }
        }
        return RGBImage(width: newSize.width, height: newSize.height, pixels: resized)
    }

    private static func mix(_ first: Float, _ second: Float, _ weight: Float) -> Float {
        first + weight * (second - first)
    }

    /// For each of `count` pixels, the two of `length` that it lies between, and the second's weight.
    private static func taps(_ count: Int, of length: Int) -> [(first: Int, second: Int, weight: Float)] {
        (0..<count).map { index in
            let place = (Float(index) + 0.5) * Float(length) / Float(count) - 0.5
            let first = min(max(Int(place.rounded(.down)), 0), length - 1)
            return (first, min(first + 1, length - 1), min(max(place - Float(first), 0), 1))
        }
    }
}
