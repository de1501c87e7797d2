internal import CKernels
internal import TensorGraph

/// Which rows of x the weights of each tap multiply, and the rows of the result that they are added to.
///
/// A row is a time of an item; a linear layer has one tap.
struct Taps: Hashable {
    /// Of each tap.
    let pairs: [[Pair]]

    /// A row of x and a row of the result.
    struct Pair: Hashable {
        var from: Int
        var to: Int
    }

    /// A linear layer's, row by row.
    init(rows: Int) { pairs = [(0..<rows).map { Pair(from: $0, to: $0) }] }

    /// A convolution's from `length` to `windows` times: window w reads time `w · stride + tap − padding`, and nothing outside of the sequence.
    init(_ geometry: Convolution1D, batch: Int, length: Int, windows: Int) {
        pairs = (0..<geometry.kernel).map { tap in
            (0..<batch * windows).compactMap { row in
                let time = row % windows * geometry.stride + tap - geometry.padding
                return (0..<length).contains(time) ? Pair(from: row / windows * length + time, to: row) : nil
            }
        }
    }

    /// A transposed convolution's from `windows` to `length` times: what a convolution of the geometry reads, it writes.
    init(transposeOf geometry: Convolution1D, batch: Int, windows: Int, length: Int) {
        pairs = Taps(geometry, batch: batch, length: length, windows: windows).pairs.map { pairs in
            pairs.map { Pair(from: $0.to, to: $0.from) }
        }
    }

    /// The tiles of `rows` of the result, which count from the first of them: as many rows at once as a kernel takes.
    func tiles(of rows: Range<Int>) -> [ck_tile] {
        let most = Int(ck_tile_rows)
        return pairs.enumerated().flatMap { tap, pairs in
            let pairs = pairs.filter { rows.contains($0.to) }
            return stride(from: 0, to: pairs.count, by: most).map { start in
                ck_tile(
                    tap: tap, pairs[start..<min(start + most, pairs.count)].map { ($0.from, $0.to - rows.lowerBound) })
            }
        }
    }
}

extension ck_tile {
    /// Rows of x and of the result that a tap's weights connect.
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
