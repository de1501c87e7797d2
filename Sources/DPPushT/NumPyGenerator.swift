/// NumPy's `Generator`, as made by `default_rng(seed)`, with the two kinds of draws that Push-T needs to start
/// episodes exactly as newer simulators do.
///
/// The numbers come from PCG64 (O'Neill 2014: a linear congruential generator of 128 bits, whose output is permuted
/// to 64 bits by XSL-RR), seeded by NumPy's `SeedSequence`.
struct NumPyGenerator {
    private var state: Word128
    private let increment: Word128
    /// The upper half of the last 64 bits, if only the lower half was used.
    private var spare: UInt32?

    /// A generator equal to `numpy.random.Generator(PCG64(SeedSequence(seed)))`, which is gymnasium's
    /// `np_random(seed)`.
    init(seed: UInt64) {
        let words = SeedSequence(seed).words(count: 4)
        let start = Word128(high: words[0], low: words[1])
        increment = Word128(high: words[2] << 1 | words[3] >> 63, low: words[3] << 1 | 1)
        // The authors' `srandom`: a step from 0, adding the start, and another step.
        state = increment &+ start
        advance()
    }

    private mutating func advance() { state = state &* Self.multiplier &+ increment }
    private static let multiplier = Word128(high: 0x2360_ED05_1FC6_5DA4, low: 0x4385_DF64_9FCC_F645)

    /// 64 random bits.
    mutating func bits64() -> UInt64 {
        advance()
        let (word, turn) = (state.high ^ state.low, state.high >> 58)
        return word >> turn | word << ((64 - turn) % 64)
    }

    /// 32 random bits: the lower half of 64, then the upper one.
    mutating func bits32() -> UInt32 {
        if let spare {
            self.spare = nil
            return spare
        }
        let word = bits64()
        spare = UInt32(truncatingIfNeeded: word >> 32)
        return UInt32(truncatingIfNeeded: word)
    }

    /// An integer uniform in `range` (`integers`): the upper half of a product, drawn again where it would be
    /// biased (Lemire 2019).
    /// - Precondition: `range` is not empty and spans less than 2³².
    mutating func integer(in range: Range<Int>) -> Int {
        guard let count = UInt32(exactly: range.count), count > 0 else { preconditionFailure("integer in \(range)") }
        if count == 1 { return range.lowerBound }
        var product = UInt64(bits32()) * UInt64(count)
        if UInt32(truncatingIfNeeded: product) < count {
            let threshold = (0 &- count) % count
            while UInt32(truncatingIfNeeded: product) < threshold { product = UInt64(bits32()) * UInt64(count) }
        }
        return range.lowerBound + Int(product >> 32)
    }

    /// A number uniform in `range` with 53 random bits (`uniform`).
    mutating func uniform(in range: Range<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * (Double(bits64() >> 11) * 0x1p-53)
    }
}

/// An unsigned integer of 128 bits, with the operations that PCG64 needs.
private struct Word128 {
    var high: UInt64
    var low: UInt64

    static func &+ (left: Word128, right: Word128) -> Word128 {
        let (low, isCarried) = left.low.addingReportingOverflow(right.low)
        return Word128(high: left.high &+ right.high &+ (isCarried ? 1 : 0), low: low)
    }

    static func &* (left: Word128, right: Word128) -> Word128 {
        let (high, low) = left.low.multipliedFullWidth(by: right.low)
        return Word128(high: high &+ left.high &* right.low &+ left.low &* right.high, low: low)
    }
}

/// NumPy's `SeedSequence`, which spreads a seed over a pool of four words.
private struct SeedSequence {
    private var pool = [UInt32](repeating: 0, count: 4)

    /// A hash of words whose constant changes with every use.
    private struct Hash {
        var constant: UInt32
        let multiplier: UInt32

        mutating func callAsFunction(_ word: UInt32) -> UInt32 {
            let mixed = word ^ constant
            constant = constant &* multiplier
            let product = mixed &* constant
            return product ^ product >> 16
        }
    }

    /// - Parameter seed: split into its low word and, if there is one, its high word.
    init(_ seed: UInt64) {
        var hash = Hash(constant: 0x43B0_D7E5, multiplier: 0x931E_8875)
        let entropy = [UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32), 0, 0]
        for index in pool.indices { pool[index] = hash(entropy[index]) }
        for source in pool.indices {
            for target in pool.indices where target != source {
                let mixed = 0xCA01_F9DD &* pool[target] &- 0x4973_F715 &* hash(pool[source])
                pool[target] = mixed ^ mixed >> 16
            }
        }
    }

    /// `generate_state(count, uint64)`.
    func words(count: Int) -> [UInt64] {
        var hash = Hash(constant: 0x8B51_F9DD, multiplier: 0x58F3_8DED)
        return (0..<count).map { index in
            let low = hash(pool[2 * index % pool.count])
            return UInt64(hash(pool[(2 * index + 1) % pool.count])) << 32 | UInt64(low)
        }
    }
}
