/// What the numbers of observations ranged over in the demonstrations, to notice observations that lie far from all that was learned from: degrees for
/// radians, millimeters for meters, zeros of a dead sensor.
///
/// A number is far outside when it lies beyond its range by more than a quarter of the range's width; where a number never changed, its size counts as the width,
/// but at most 2. So is a field of three or more numbers that all lie outside, as in a unit that is too large, and one of two or more
/// numbers that are all exactly 0 where the range of one of them leaves 0 out.
public struct DemonstratedRanges: Sendable, Equatable {
    fileprivate struct Field: Sendable, Equatable {
        let name: String
        /// The places of the numbers in the field.
        let chosen: [Int]
        /// How many numbers the field has at least.
        let leastWidth: Int
        let lower: ArraySlice<Double>
        let upper: ArraySlice<Double>
    }

    private let fields: [Field]

    /// The ranges of the components of an observation's vector.
    /// - Parameters:
    ///   - observations: what is observed, the width of each field being known.
    ///   - lower: the smallest number of each component, raw; −∞ where it is not known.
    ///   - upper: the largest number of each component, raw; ∞ where it is not known.
    /// - Precondition: there are as many numbers as components.
    public init(_ observations: ObservationSchema, lower: [Double], upper: [Double]) {
        precondition(
            lower.count == observations.dimension && upper.count == lower.count,
            "\(lower.count) and \(upper.count) ends of ranges for \(observations.dimension ?? 0) components")
        var start = 0
        fields = observations.fields.map { field in
            let chosen = field.chosen(of: field.width ?? 0)
            defer { start += chosen.count }
            let part = start..<start + chosen.count
            return Field(
                name: field.name, chosen: chosen, leastWidth: field.leastWidth ?? chosen.count, lower: lower[part],
                upper: upper[part])
        }
    }

    /// The first number of an observation that makes it lie far from the demonstrations; nil when none does.
    ///
    /// Fields that are missing or of another width are left to others to refuse.
    public func unfamiliar(in observation: Observation) -> UnfamiliarNumber? {
        for field in fields {
            let found: UnfamiliarNumber?
            if let numbers = observation.doubles[field.name], numbers.count >= field.leastWidth {
                found = field.unfamiliar(field.chosen.lazy.map { numbers[$0] })
            } else if let numbers = observation.vectors[field.name], numbers.count >= field.leastWidth {
                found = field.unfamiliar(field.chosen.lazy.map { numbers[$0] })
            } else {
                found = nil
            }
            if let found { return found }
        }
        return nil
    }

    /// The first number of an observation's vector, `[D]` in raw units, that makes it lie far from the demonstrations; nil when none does.
    /// - Precondition: there are as many numbers as components.
    public func unfamiliar(in vector: ArraySlice<Double>) -> UnfamiliarNumber? {
        precondition(vector.count == fields.reduce(0) { $0 + $1.chosen.count }, "a vector of \(vector.count) numbers")
        for field in fields {
            let start = vector.startIndex + field.lower.startIndex
            if let found = field.unfamiliar(vector[start..<start + field.lower.count]) { return found }
        }
        return nil
    }
}

/// A number that makes an observation lie far from all that a policy learned from.
public struct UnfamiliarNumber: Sendable, Equatable, CustomStringConvertible {
    /// The field.
    public let field: String
    /// The number's place in the field.
    public let column: Int
    /// The number.
    public let value: Double
    /// The smallest number there that was learned from.
    public let lower: Double
    /// The largest number there that was learned from.
    public let upper: Double

    /// Where it is, what was learned from and what was found.
    public var description: String {
        "observation \(field)[\(column)]: expected about \(lower) … \(upper), as in the demonstrations, found \(value)"
    }
}

extension DemonstratedRanges.Field {
    /// How many widths of its range a number may lie beyond it.
    private static let tolerance = 0.25

    fileprivate func unfamiliar<Numbers: RandomAccessCollection>(
        _ numbers: Numbers
    ) -> UnfamiliarNumber? where Numbers.Index == Int, Numbers.Element: BinaryFloatingPoint {
        var worst: (index: Int, distance: Double) = (0, 0)
        var (outside, zeros) = (0, 0)
        for index in 0..<numbers.count {
            let value = Double(numbers[numbers.startIndex + index])
            let (lowest, highest) = (lower[lower.startIndex + index], upper[upper.startIndex + index])
            // What never changed has no width, and is not scaled: its size stands in, up to the width of a range that is scaled to ±1.
            let width = highest > lowest ? highest - lowest : lowest == 0 ? 1 : min(abs(lowest), 2)
            let distance = max(lowest - value, value - highest) / width
            if distance > 0 { outside += 1 }
            if value == 0 { zeros += 1 }
            if distance > worst.distance { worst = (index, distance) }
        }
        let count = numbers.count
        guard
            worst.distance > Self.tolerance || outside == count && count >= 3
                || zeros == count && outside > 0 && count >= 2
        else { return nil }
        return UnfamiliarNumber(
            field: name, column: chosen[worst.index],
            value: Double(numbers[numbers.startIndex + worst.index]), lower: lower[lower.startIndex + worst.index],
            upper: upper[upper.startIndex + worst.index])
    }
}
