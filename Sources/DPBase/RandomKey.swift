/// A key to a sequence of random numbers that depends only on the key, not on the caller or the order of calls.
///
/// Every use of randomness (the noise of a batch item, the start of a denoising run) folds its purpose into the key
/// and reads the numbers by index. Element `i` is SplitMix64's output for the state
/// `key + (i + 1) · 0x9E3779B97F4A7C15` (Steele, Lea and Flood 2014), which is a counter passed through a hash.
///
/// ```swift
/// let key = RandomKey(seed: 42)
/// let requests = (0..<8).map { ChunkRequest(observations: observations, key: key.folding($0)) }
/// let plans = try policy.predictActionChunks(for: requests)  // eight sampled plans for the same observations
/// ```
public struct RandomKey: Sendable, Hashable, Codable {
    private var state: UInt64

    /// Creates the root key of a seed.
    public init(seed: UInt64) {
        state = RandomKey.hash(seed &+ RandomKey.increment)
    }

    /// The seed whose root key this is.
    ///
    /// Every key is the root key of one seed, because the hash is one-to-one.
    package var seed: UInt64 { RandomKey.unhash(state) &- RandomKey.increment }

    /// Returns the key for one purpose, step or sample under this key.
    package func folding(_ value: UInt64) -> RandomKey {
        var child = self
        child.state = RandomKey.hash(state ^ RandomKey.hash(value &+ RandomKey.foldingIncrement))
        return child
    }

    /// Returns the key for one purpose, step or sample under this key.
    /// - Precondition: `value` is not negative.
    public func folding(_ value: Int) -> RandomKey { folding(UInt64(value)) }

    /// Returns the key for a name, by the 64-bit FNV-1a hash of its UTF-8.
    package func folding(_ name: String) -> RandomKey {
        var hash = FNV1a()
        hash.combine(name)
        return folding(hash.value)
    }

    /// Returns 64 random bits.
    package func bits(at index: Int) -> UInt64 {
        RandomKey.hash(state &+ (UInt64(index) &+ 1) &* RandomKey.increment)
    }

    /// Returns a number uniform in `[0, 1)`.
    public func uniform(at index: Int) -> Double {
        Double(bits(at: index) >> 11) * 0x1p-53
    }

    /// Returns an integer uniform in `0 ..< bound`, by the multiplication of Lemire (2019) without its rejection
    /// step: the bias is below `bound / 2^64`.
    package func integer(below bound: Int, at index: Int) -> Int {
        precondition(bound > 0, "an integer below \(bound)")
        return Int(bits(at: index).multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Fills `values` with numbers from the standard normal distribution (Box and Muller 1958), two numbers per
    /// hash.
    package func fillNormal(_ values: inout [Float]) {
        values.withUnsafeMutableBufferPointer { fillNormal($0) }
    }

    /// Fills `values` with numbers from the standard normal distribution (Box and Muller 1958), two numbers per
    /// hash.
    package func fillNormal(_ values: UnsafeMutableBufferPointer<Float>) {
        for index in stride(from: 0, to: values.count, by: 2) {
            let bits = bits(at: index / 2)
            let radius = Float((Double(bits >> 32) + 0.5) * 0x1p-32)
            let angle = Float(Double(bits & 0xFFFF_FFFF) * 0x1p-32) * 2 * .pi
            let length = (-2 * logarithm(radius)).squareRoot()
            values[index] = length * cosine(angle)
            if index + 1 < values.count { values[index + 1] = length * sine(angle) }
        }
    }

    /// Returns the numbers 0 ..< count in random order (Fisher and Yates).
    package func permutation(count: Int) -> [Int] {
        var order = Array(0..<count)
        permute(&order)
        return order
    }

    /// Shuffles the elements (Fisher and Yates).
    package func permute(_ order: inout [Int]) {
        for index in stride(from: order.count - 1, to: 0, by: -1) {
            order.swapAt(index, integer(below: index + 1, at: index))
        }
    }

    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// Differs from `increment`, so that seed `a` folding `b` differs from seed `b` folding `a`; the first bits of
    /// √2's fraction.
    private static let foldingIncrement: UInt64 = 0x6A09_E667_F3BC_C909

    private static func hash(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Inverts `hash`: reverses each shift, and multiplies by the inverse of each factor modulo 2^64.
    private static func unhash(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 31) ^ (z >> 62)) &* 0x3196_42B2_D24D_8EC3
        z = (z ^ (z >> 27) ^ (z >> 54)) &* 0x96DE_1B17_3F11_9089
        return z ^ (z >> 30) ^ (z >> 60)
    }
}
