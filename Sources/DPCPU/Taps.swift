internal import CDPKernels
internal import DPGraph

/// The rows of x that the weights of each tap multiply, and the rows of the result that the products are added to.
///
/// A row is a time position of an item or a pixel of an image; a linear layer has one tap.
struct Taps: Hashable {
    /// The pairs of each tap.
    let pairs: [[Pair]]

    /// A row of x and a row of the result.
    struct Pair: Hashable {
        var from: Int
        var to: Int
    }

    /// Creates the taps of a linear layer, row by row.
    init(rows: Int) { pairs = [(0..<rows).map { Pair(from: $0, to: $0) }] }

    /// Creates the taps of a convolution from images `[batch, height, width, inputs]` to
    /// `[batch, windows, windows, outputs]`: window w reads position `w · stride + tap − padding` along each axis,
    /// and nothing outside of the image.
    init(_ geometry: Convolution2D, from x: Shape, to y: Shape) {
        let (height, width) = (geometry.height, geometry.width)
        pairs = (0..<height.kernel * width.kernel).map { tap in
            let (down, right) = tap.quotientAndRemainder(dividingBy: width.kernel)
            return (0..<y[0] * y[1] * y[2]).compactMap { row in
                let (line, window) = row.quotientAndRemainder(dividingBy: y[2])
                let top = line % y[1] * height.stride + down - height.padding
                let left = window * width.stride + right - width.padding
                guard (0..<x[1]).contains(top), (0..<x[2]).contains(left) else { return nil }
                return Pair(from: (line / y[1] * x[1] + top) * x[2] + left, to: row)
            }
        }
    }

    /// Creates the taps of a convolution from `length` to `windows` time positions: a sequence is an image of one
    /// row.
    init(_ geometry: Convolution1D, batch: Int, length: Int, windows: Int) {
        self.init(
            Convolution2D(height: Convolution1D(kernel: 1), width: geometry), from: [batch, 1, length, 1],
            to: [batch, 1, windows, 1])
    }

    /// Creates the taps of a transposed convolution from `windows` to `length` time positions: it writes the
    /// positions that a convolution of the geometry reads.
    init(transposeOf geometry: Convolution1D, batch: Int, windows: Int, length: Int) {
        pairs = Taps(geometry, batch: batch, length: length, windows: windows).pairs.map { pairs in
            pairs.map { Pair(from: $0.to, to: $0.from) }
        }
    }

    /// Returns the tiles of `rows` of the result, numbered from the first of these rows.
    ///
    /// A tile holds as many rows as a kernel takes at once.
    func tiles(of rows: Range<Int>) -> [ck_tap_rows] {
        let most = Int(ck_max_tap_rows)
        return pairs.enumerated().flatMap { tap, pairs in
            let pairs = pairs.filter { rows.contains($0.to) }
            return stride(from: 0, to: pairs.count, by: most).map { start in
                ck_tap_rows(
                    tap: tap, pairs[start..<min(start + most, pairs.count)].map { ($0.from, $0.to - rows.lowerBound) })
            }
        }
    }
}

extension ck_tap_rows {
    /// Creates a tile of the rows of x and of the result that a tap's weights connect.
    fileprivate init(tap: Int, _ rows: [(from: Int, to: Int)]) {
        self.init()
        self.tap = Int32(tap)
        count = Int32(rows.count)
        withUnsafeMutableBytes(of: &from) { $0.bindMemory(to: Int32.self).fill(with: rows.map(\.from)) }
        withUnsafeMutableBytes(of: &to) { $0.bindMemory(to: Int32.self).fill(with: rows.map(\.to)) }
    }
}

extension UnsafeMutableBufferPointer<Int32> {
    fileprivate func fill(with numbers: [Int]) {
        for (index, number) in numbers.enumerated() { self[index] = Int32(number) }
    }
}
