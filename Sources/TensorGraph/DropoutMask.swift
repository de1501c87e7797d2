/// Which elements of a tensor dropout keeps.
///
/// The mask (Srivastava et al. 2014) is a pure function of a key, so that the backward pass computes it again instead of remembering it.
/// The key's 64 bits come with each run, as four whole numbers of 16 bits, the lowest first: float32 holds them exactly. With
/// `mix` the output function of SplitMix64 (Steele, Lea and Flood 2014) and γ = 0x9E3779B97F4A7C15, the mask has the state
/// `s = mix(key ⊕ mix(stream + 0x6A09E667F3BCC909))`, and element i reads 32 bits of `mix(s + (⌊i/2⌋ + 1) · γ)`: the lower half if i is even, the
/// upper half if it is odd. An element whose bits are below `probability · 2³²` becomes 0; all others are divided by `1 − probability`.
public struct DropoutMask: Hashable, Sendable {
    /// How likely an element becomes 0; at least 0 and below 1.
    public var probability: Float
    /// Tells the masks of one run apart.
    public var stream: UInt64

    /// The mask of one operation.
    public init(probability: Float, stream: UInt64) {
        precondition(probability >= 0 && probability < 1, "a probability in 0 ..< 1, found \(probability)")
        self.probability = probability
        self.stream = stream
    }

    /// How many numbers a key is given as.
    public static let keyShape: Shape = [4]

    /// The numbers that stand for a key.
    public static func pieces(of key: UInt64) -> [Float] {
        var pieces = [Float](repeating: 0, count: keyShape.count)
        write(key, to: &pieces)
        return pieces
    }

    /// Replaces the numbers that stand for a key, without allocating.
    public static func write(_ key: UInt64, to pieces: inout [Float]) {
        for piece in pieces.indices { pieces[piece] = Float(UInt16(truncatingIfNeeded: key >> (16 * piece))) }
    }

    /// An element is dropped when its 32 bits are below this.
    public var threshold: UInt32 { UInt32((Double(probability) * 0x1p32).rounded(.down)) }

    /// The factor of the elements that are kept.
    public var scale: Float { 1 / (1 - probability) }

    /// The state of a run's mask.
    /// - Parameter pieces: the key as `pieces(of:)` gives it.
    public func state(key pieces: [Float]) -> UInt64 {
        precondition(pieces.count == Self.keyShape.count, "expected a key of 4 numbers, found \(pieces.count)")
        let key = pieces.enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (16 * $1.offset) }
        return Self.mix(key ^ Self.mix(stream &+ 0x6A09_E667_F3BC_C909))
    }

    /// Whether an element is kept.
    public func keeps(_ index: Int, state: UInt64) -> Bool {
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
    /// Some elements 0, the others larger in return, so that the mean stays.
    /// - Parameters:
    ///   - mask: which ones.
    ///   - key: the key of the run, `[4]`; see `DropoutMask`.
    public func dropout(_ mask: DropoutMask, key: Tensor) -> Tensor { builder.apply(.dropout(mask), [self, key])[0] }
}
