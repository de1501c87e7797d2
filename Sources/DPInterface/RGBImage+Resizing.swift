extension RGBImage {
    /// Height and width.
    package var size: ImageSize { ImageSize(height: height, width: width) }

    /// Returns the image in another size, by bilinear interpolation between pixels, whose centers lie at halves.
    ///
    /// When an image shrinks, each new pixel is a mean of all pixels that it covers, so that no small detail is
    /// lost; this is the `antialias` option of torchvision's `resize`.
    package func resized(to newSize: ImageSize) -> RGBImage {
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

    /// Returns, for each of `count` pixels, the first of the `length` source pixels that contribute to it, and the
    /// weights of the source pixels from that one on, which add up to 1.
    private static func means(_ count: Int, of length: Int) -> [(first: Int, weights: [Float])] {
        let scale = Float(length) / Float(count)
        let reach = max(scale, 1)
        return (0..<count).map { index in
            let center = (Float(index) + 0.5) * scale
            let first = max(Int((center - reach).rounded(.down)), 0)
            let shares = (first..<min(Int((center + reach).rounded(.up)), length)).map { pixel in
                max(1 - abs(Float(pixel) + 0.5 - center) / reach, 0)
            }
            let sum = shares.reduce(0, +)
            return (first, shares.map { $0 / sum })
        }
    }
}
