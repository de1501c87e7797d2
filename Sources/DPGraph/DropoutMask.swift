/// A mask that selects which elements of a tensor dropout keeps.
///
/// The mask (Srivastava et al. 2014) is a pure function of a key, so the backward pass recomputes it instead of
/// storing it. Each run receives the key's 64 bits as four 16-bit integers, lowest first, which float32 represents
/// exactly. With `mix` the output function of SplitMix64 (Steele, Lea and Flood 2014) and γ = 0x9E3779B97F4A7C15,
/// the mask has the state `s = mix(key ⊕ mix(stream + 0x6A09E667F3BCC909))`, and element i reads 32 bits of
/// `mix(s + (⌊i/2⌋ + 1) · γ)`: the lower half if i is even, the upper half if it is odd. An element whose bits are
/// below `probability · 2³²` becomes 0; all others are divided by `1 − probability`.
package struct DropoutMask: Hashable, Sendable {
    /// The probability that an element becomes 0; at least 0 and below 1.
    package var probability: Float
    /// Distinguishes the masks of one run.
    package var stream: UInt64

    /// Creates the mask of one operation.
    package init(probability: Float, stream: UInt64) {
        precondition(probability >= 0 && probability < 1, "expected a probability in 0 ..< 1, found \(probability)")
        self.probability = probability
        self.stream = stream
    }

    /// The shape of the numbers that represent a key.
    package static let keyShape: Shape = [4]

    /// Returns the numbers that represent a key.
    package static func pieces(of key: UInt64) -> [Float] {
        var pieces = [Float](repeating: 0, count: keyShape.count)
        write(key, to: &pieces)
        return pieces
    }

    /// Replaces the numbers that represent a key, without allocating.
    package static func write(_ key: UInt64, to pieces: inout [Float]) {
        for piece in pieces.indices { pieces[piece] = Float(UInt16(truncatingIfNeeded: key >> (16 * piece))) }
    }

    /// An element is dropped when its 32 bits are below this.
    package var threshold: UInt32 { UInt32((Double(probability) * 0x1p32).rounded(.down)) }

    /// The factor of the kept elements.
    package var scale: Float { 1 / (1 - probability) }

    /// Returns the state of a run's mask.
    /// - Parameter pieces: the key as returned by `pieces(of:)`.
    package func state(key pieces: [Float]) -> UInt64 {
        precondition(pieces.count == Self.keyShape.count, "expected a key of 4 numbers, found \(pieces.count)")
        let key = pieces.enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (16 * $1.offset) }
        return Self.mix(key ^ Self.mix(stream &+ 0x6A09_E667_F3BC_C909))
    }

    /// Returns whether an element is kept.
    package func keeps(_ index: Int, state: UInt64) -> Bool {
        let bits = Self.mix(state &+ (UInt64(index / 2) &+ 1) &* 0x9E37_79B9_7F4A_7C15)
        return UInt32(truncatingIfNeeded: index % 2 == 0 ? bits : bits >> 32) >= threshold
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension Tensor {
    /// Sets some elements to 0 and scales the others up, so that the mean stays the same.
    /// - Parameters:
    ///   - mask: selects the elements to keep.
    ///   - key: the key of the run, `[4]`; see `DropoutMask`.
    package func dropout(_ mask: DropoutMask, key: Tensor) -> Tensor { builder.apply(.dropout(mask), [self, key])[0] }
}
