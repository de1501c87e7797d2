import DPGraph
import Foundation

/// The expected position of each channel of images `[batch, height, width, channel]` (Finn et al.
///
/// 2016).
///
/// With `p = softmax(x)` over the positions of a channel and coordinates from −1 to 1 along the width (u) and the
/// height (v), the results are `Σ p u` and `Σ p v`.
enum SpatialSoftmax {
    /// Returns the expected positions `[batch, channel, 2]`.
    static func apply(_ x: HostTensor) -> HostTensor {
        var result = HostTensor(zeros: [x.shape[0], x.shape[3], 2])
        forEachMap(x) { batch, channel, weights, places, _ in
            for (weight, place) in zip(weights, places) {
                result[batch, channel, 0] += weight * place.u
                result[batch, channel, 1] += weight * place.v
            }
        }
        return result
    }

    /// `p (s − Σ p s)` with `s = adjoint.u · u + adjoint.v · v`: the softmax's gradient of the weighted
    /// coordinates.
    static func gradient(_ x: HostTensor, adjoint: HostTensor) -> HostTensor {
        var result = HostTensor(zeros: x.shape)
        forEachMap(x) { batch, channel, weights, places, indices in
            let slopes = places.map { adjoint[batch, channel, 0] * $0.u + adjoint[batch, channel, 1] * $0.v }
            let mean = zip(weights, slopes).reduce(0) { $0 + $1.0 * $1.1 }
            for (position, index) in indices.enumerated() {
                result.values[index] = weights[position] * (slopes[position] - mean)
            }
        }
        return result
    }

    /// Calls `body` for each channel of each image with the softmax over its positions, their coordinates, and
    /// their indices in `x`.
    private static func forEachMap(
        _ x: HostTensor,
        _ body: (
            _ batch: Int, _ channel: Int, _ weights: [Double], _ places: [(u: Double, v: Double)], _ indices: [Int]
        ) -> Void
    ) {
        let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
        let places = (0..<height * width).map { position in
            (u: coordinate(position % width, of: width), v: coordinate(position / width, of: height))
        }
        for batch in 0..<x.shape[0] {
            for channel in 0..<channels {
                let indices = places.indices.map { (batch * places.count + $0) * channels + channel }
                let largest = indices.reduce(-.infinity) { max($0, x.values[$1]) }
                let powers = indices.map { exp(x.values[$0] - largest) }
                let sum = powers.reduce(0, +)
                body(batch, channel, powers.map { $0 / sum }, places, indices)
            }
        }
    }

    /// Returns one of `count` coordinates from −1 to 1; a single one is at −1, as in NumPy's `linspace`.
    private static func coordinate(_ index: Int, of count: Int) -> Double {
        count == 1 ? -1 : -1 + 2 * Double(index) / Double(count - 1)
    }
}
