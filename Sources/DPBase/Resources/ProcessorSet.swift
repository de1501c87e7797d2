/// A set of processors, by the numbers that the kernel uses.
package struct ProcessorSet: Sendable, Equatable, CustomStringConvertible {
    /// The numbers, in ascending order.
    package let numbers: [Int]

    /// The largest accepted number; Linux supports at most 8,192 processors.
    private static let largest = 65_535

    init(_ numbers: some Sequence<Int>) { self.numbers = Set(numbers).sorted() }

    /// Parses a list such as `0-3,8`; nil for any other text and for an empty list.
    init?(_ list: String) {
        var numbers: [Int] = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
                0 <= first, first <= last, last <= Self.largest
            else { return nil }
            numbers += first...last
        }
        guard !numbers.isEmpty else { return nil }
        self.init(numbers)
    }

    /// The number of processors.
    package var count: Int { numbers.count }

    /// Returns the processors that are also in another set; all of them if the other set is unknown or contains
    /// none of them.
    func limited(to other: ProcessorSet?) -> ProcessorSet {
        guard let other else { return self }
        let common = Set(numbers).intersection(other.numbers)
        return common.isEmpty ? self : ProcessorSet(common)
    }

    /// The list in the kernel's notation: `0-3,8`.
    package var description: String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}
