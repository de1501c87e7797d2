#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// NumPy's legacy `RandomState`, with the three kinds of draws that Push-T needs to start episodes exactly as the
/// reference does.
///
/// The numbers come from the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998).
struct NumPyLegacyGenerator {
    private var words: [UInt32]
    private var next: Int
    private var spareNormal: Double?

    /// A generator equal to `numpy.random.RandomState(seed)`.
    ///
    /// NumPy accepts a seed of more than 32 bits only as an array of words; here, that is the low word and the high
    /// word.
    init(seed: UInt64) {
        if let seed = UInt32(exactly: seed) {
            self.init(word: seed)
        } else {
            self.init(array: [UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)])
        }
    }

    /// The authors' `init_genrand`.
    private init(word: UInt32) {
        words = [word]
        words.reserveCapacity(Self.count)
        for index in 1..<Self.count {
            let previous = words[index - 1]
            words.append(1_812_433_253 &* (previous ^ (previous >> 30)) &+ UInt32(index))
        }
        next = Self.count
    }

    /// The authors' `init_by_array`.
    private init(array: [UInt32]) {
        self.init(word: 19_650_218)
        var index = 1
        func advance(_ words: inout [UInt32]) {
            index += 1
            if index == Self.count {
                words[0] = words[Self.count - 1]
                index = 1
            }
        }
        for round in 0..<max(Self.count, array.count) {
            let previous = words[index - 1]
            let position = round % array.count
            words[index] =
                (words[index] ^ ((previous ^ (previous >> 30)) &* 1_664_525)) &+ array[position] &+ UInt32(position)
            advance(&words)
        }
        for _ in 1..<Self.count {
            let previous = words[index - 1]
            words[index] = (words[index] ^ ((previous ^ (previous >> 30)) &* 1_566_083_941)) &- UInt32(index)
            advance(&words)
        }
        words[0] = 0x8000_0000
    }

    /// 32 random bits.
    mutating func bits() -> UInt32 {
        if next == Self.count {
            twist()
            next = 0
        }
        var word = words[next]
        next += 1
        word ^= word >> 11
        word ^= (word << 7) & 0x9D2C_5680
        word ^= (word << 15) & 0xEFC6_0000
        return word ^ (word >> 18)
    }

    /// A number uniform in `[0, 1)` with 53 random bits (`random_sample`).
    mutating func uniform() -> Double {
        let high = bits() >> 5
        let low = bits() >> 6
        return (Double(high) * 0x1p26 + Double(low)) * 0x1p-53
    }

    /// An integer uniform in `range` (`randint`): masks random bits and draws again while they are too large.
    /// - Precondition: `range` is not empty and spans less than 2³².
    mutating func integer(in range: Range<Int>) -> Int {
        precondition(!range.isEmpty && range.count <= Int(UInt32.max), "integer in \(range)")
        let largest = UInt32(range.count - 1)
        guard largest > 0 else { return range.lowerBound }
        let mask = UInt32.max >> UInt32(largest.leadingZeroBitCount)
        while true {
            let candidate = bits() & mask
            if candidate <= largest { return range.lowerBound + Int(candidate) }
        }
    }

    /// A number from the standard normal distribution (`randn`): the polar method of Marsaglia and Bray (1964), the
    /// second number of each pair first.
    mutating func normal() -> Double {
        if let spare = spareNormal {
            spareNormal = nil
            return spare
        }
        while true {
            let x = 2 * uniform() - 1
            let y = 2 * uniform() - 1
            let squaredRadius = x * x + y * y
            if squaredRadius < 1 && squaredRadius != 0 {
                let factor = (-2 * log(squaredRadius) / squaredRadius).squareRoot()
                spareNormal = factor * x
                return factor * y
            }
        }
    }

    private static let count = 624
    private static let middle = 397

    private mutating func twist() {
        for index in 0..<Self.count {
            let joined =
                (words[index] & 0x8000_0000) | (words[(index + 1) % Self.count] & 0x7FFF_FFFF)
            let folded = (joined >> 1) ^ (joined & 1 == 0 ? 0 : 0x9908_B0DF)
            words[index] = words[(index + Self.middle) % Self.count] ^ folded
        }
    }
}
