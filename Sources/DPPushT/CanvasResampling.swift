import DPInterface

extension Canvas {
    /// Returns the picture at another size by bilinear interpolation of the four nearest pixels, whose centers are
    /// at half coordinates.
    ///
    /// Uses the fixed-point arithmetic of OpenCV's `INTER_LINEAR`: weights have 11 bits, and bits are dropped
    /// between the horizontal and the vertical pass.
    func resampled(to newSide: Int, palette: [SIMD3<UInt8>]) -> RGBImage {
        let taps = (0..<newSide).map { index in
            let place = (Double(index) + 0.5) * Double(side) / Double(newSide) - 0.5
            let first = min(max(Int(place.rounded(.down)), 0), side - 1)
            let weight = Int32(((place - Double(first)) * 2048).rounded())
            return (first: first, second: min(first + 1, side - 1), weight: min(max(weight, 0), 2048))
        }
        let colors = palette.map { SIMD3<Int32>(truncatingIfNeeded: $0) }
        var image = RGBImage(width: newSide, height: newSide, filledWith: (0, 0, 0))
        var index = 0
        for row in taps {
            for column in taps {
                func between(_ row: Int) -> SIMD3<Int32> {
                    let first = colors[Int(pixels[row * side + column.first])]
                    let second = colors[Int(pixels[row * side + column.second])]
                    return first &* (2048 - column.weight) &+ second &* column.weight
                }
                let upper = ((between(row.first) &>> 4) &* (2048 - row.weight)) &>> 16
                let lower = ((between(row.second) &>> 4) &* row.weight) &>> 16
                let color = (upper &+ lower &+ 2) &>> 2
                for channel in 0..<3 { image.pixels[index + channel] = UInt8(color[channel]) }
                index += 3
            }
        }
        return image
    }

    /// Returns the picture with each block of `factor` × `factor` pixels averaged into one.
    func averaged(by factor: Int, palette: [SIMD3<UInt8>]) -> RGBImage {
        let newSide = side / factor
        let colors = palette.map { SIMD3<Int>(truncatingIfNeeded: $0) }
        let count = factor * factor
        var image = RGBImage(width: newSide, height: newSide, filledWith: (0, 0, 0))
        for row in 0..<newSide {
            for column in 0..<newSide {
                var sum = SIMD3(repeating: count / 2)
                for inner in row * factor..<(row + 1) * factor {
                    let start = inner * side + column * factor
                    for index in start..<start + factor { sum &+= colors[Int(pixels[index])] }
                }
                let index = 3 * (row * newSide + column)
                for channel in 0..<3 { image.pixels[index + channel] = UInt8(sum[channel] / count) }
            }
        }
        return image
    }
}
