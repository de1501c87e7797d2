extension RGBImage {
    /// Height and width.
    public var size: ImageSize { ImageSize(height: height, width: width) }

    /// The image in another size, by bilinear interpolation between pixels, whose centres lie at halves.
    ///
    /// Where an image shrinks, each new pixel is a mean of all that it covers, so that nothing small is lost; this is what `antialias` means in
    /// torchvision's `resize`.
    public func resized(to newSize: ImageSize) -> RGBImage {
        if newSize == size { return self }
        let columns = Self.means(newSize.width, of: width)
        var line = [Float](repeating: 0, count: width * 3)
        var resized: [UInt8] = []
        resized.reserveCapacity(newSize.count)
        for row in Self.means(newSize.height, of: height) {
            for index in line.indices { line[index] = 0 }
            for (offset, weight) in row.weights.enumerated() {
                let start = (row.first + offset) * line.count
                for index in line.indices { line[index] += weight * Float(pixels[start + index]) }
            }
            for column in columns {
                for channel in 0..<3 {
                    var sum: Float = 0
                    for (offset, weight) in column.weights.enumerated() {
                        sum += weight * line[(column.first + offset) * 3 + channel]
                    }
                    resized.append(UInt8(sum.rounded()))
                }
            }
        }
        return RGBImage(width: newSize.width, height: newSize.height, pixels: resized)
    }

    /// For each of `count` pixels, from which one of `length` on others have a share in it, and these shares, which add up to 1.
    private static func means(_ count: Int, of length: Int) -> [(first: Int, weights: [Float])] {
        let scale = Float(length) / Float(count)
        let reach = max(scale, 1)
        return (0..<count).map { index in
            let centre = (Float(index) + 0.5) * scale
            let first = max(Int((centre - reach).rounded(.down)), 0)
            let shares = (first..<min(Int((centre + reach).rounded(.up)), length)).map { pixel in
                max(1 - abs(Float(pixel) + 0.5 - centre) / reach, 0)
            }
            let sum = shares.reduce(0, +)
            return (first, shares.map { $0 / sum })
        }
    }
}
