/// The ranges of the observations in the dataset, used to detect observations far from the training data: degrees
/// instead of radians, millimeters instead of meters, zeros of a dead sensor.
///
/// A feature is far from the training data in any of these cases:
/// - A number lies beyond its range by more than a quarter of the range's width. If the number never changed, its
///   absolute value counts as the width, but at most 2, or 1 if it was always 0.
/// - It has three or more numbers, and all of them lie outside, as with a unit that is too large.
/// - It has two or more numbers, all exactly 0, and the range of one of them excludes 0.
package struct TrainingRanges: Sendable, Equatable {
    fileprivate struct Feature: Sendable, Equatable {
        let name: String
        /// The indices of the selected components in the feature.
        let chosen: [Int]
        /// The minimum size of the feature.
        let minimumSize: Int
        let lower: ArraySlice<Double>
        let upper: ArraySlice<Double>
    }

    private let features: [Feature]

    /// Creates the ranges of the components of an observation's vector.
    /// - Parameters:
    ///   - observations: the schema, in which the size of each feature is known.
    ///   - lower: the smallest number of each component, raw; −∞ if unknown.
    ///   - upper: the largest number of each component, raw; ∞ if unknown.
    /// - Precondition: `lower` and `upper` have one number per component.
    package init(_ observations: ObservationSchema, lower: [Double], upper: [Double]) {
        precondition(
            lower.count == observations.dimension && upper.count == lower.count,
            "\(lower.count) and \(upper.count) range bounds for \(observations.dimension ?? 0) components")
        var start = 0
        features = observations.features.map { feature in
            let chosen = feature.selectedIndices(ofSize: feature.size ?? 0)
            defer { start += chosen.count }
            let part = start..<start + chosen.count
            return Feature(
                name: feature.name, chosen: chosen, minimumSize: feature.minimumSize ?? chosen.count,
                lower: lower[part],
                upper: upper[part])
        }
    }

    /// Returns the number farthest outside its range in the first feature that is far from the training data; nil if
    /// there is no such feature.
    ///
    /// Missing features and features with too few numbers are skipped; they are reported elsewhere.
    package func outOfRangeValue(in observation: RobotObservation) -> OutOfRangeValue? {
        for feature in features {
            let found: OutOfRangeValue?
            if let numbers = observation.doubles[feature.name], numbers.count >= feature.minimumSize {
                found = feature.outOfRange(feature.chosen.lazy.map { numbers[$0] })
            } else if let numbers = observation.vectors[feature.name], numbers.count >= feature.minimumSize {
                found = feature.outOfRange(feature.chosen.lazy.map { numbers[$0] })
            } else {
                found = nil
            }
            if let found { return found }
        }
        return nil
    }

    /// Returns the same for an observation's vector, `[D]` in raw units.
    /// - Precondition: there is one number per component.
    package func outOfRangeValue(in vector: ArraySlice<Double>) -> OutOfRangeValue? {
        precondition(vector.count == features.reduce(0) { $0 + $1.chosen.count }, "a vector of \(vector.count) numbers")
        for feature in features {
            let start = vector.startIndex + feature.lower.startIndex
            if let found = feature.outOfRange(vector[start..<start + feature.lower.count]) { return found }
        }
        return nil
    }
}

/// A number that puts an observation far from the training data of a policy.
package struct OutOfRangeValue: Sendable, Equatable, CustomStringConvertible {
    /// The name of the feature.
    package let feature: String
    /// The index of the component in the feature.
    package let component: Int
    /// The number.
    package let value: Double
    /// The smallest number of the component in the training data.
    package let lower: Double
    /// The largest number of the component in the training data.
    package let upper: Double

    /// One line with the location, the range in the training data and the number.
    package var description: String {
        "observation \(feature)[\(component)]: expected about \(lower) … \(upper), as in the demonstrations, found \(value)"
    }
}

extension TrainingRanges.Feature {
    /// How far a number may lie beyond its range, in widths of the range.
    private static let tolerance = 0.25

    fileprivate func outOfRange<Numbers: RandomAccessCollection>(
        _ numbers: Numbers
    ) -> OutOfRangeValue? where Numbers.Index == Int, Numbers.Element: BinaryFloatingPoint {
        var worst: (index: Int, distance: Double) = (0, 0)
        var (outside, zeros) = (0, 0)
        for index in 0..<numbers.count {
            let value = Double(numbers[numbers.startIndex + index])
            let (lowest, highest) = (lower[lower.startIndex + index], upper[upper.startIndex + index])
            // A component that never changed has no width and is not scaled: its absolute value counts as the width,
            // up to 2, the width of a range that is scaled to ±1.
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
        return OutOfRangeValue(
            feature: name, component: chosen[worst.index],
            value: Double(numbers[numbers.startIndex + worst.index]), lower: lower[lower.startIndex + worst.index],
            upper: upper[upper.startIndex + worst.index])
    }
}
