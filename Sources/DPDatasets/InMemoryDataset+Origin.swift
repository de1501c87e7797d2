extension InMemoryDataset.Feature {
    /// Creates a feature from double-precision or integer values, with an origin for each component that single
    /// precision cannot represent well, such as map coordinates, encoder counts and time stamps.
    ///
    /// Single precision has 24 bits. When the magnitude of a component exceeds 64 times the range of 98% of its
    /// numbers, its median becomes the origin and is subtracted in double precision, so that the remaining
    /// variation gets all 24 bits. A component that varies only by double-precision rounding is set to its median.
    package init(_ name: String, shape: [Int], doubles: [Double]) {
        let size = shape.reduce(1, *)
        var values = doubles.map(Float.init)
        var origin = [Double](repeating: 0, count: size)
        for component in 0..<size {
            let rows = stride(from: component, to: doubles.count, by: size)
            let spread = Spread(of: doubles, at: rows)
            guard let middle = spread.origin else { continue }
            origin[component] = middle
            for index in rows { values[index] = spread.isRounding ? 0 : Float(doubles[index] - middle) }
        }
        self.init(name, shape: shape, values: values, origin: origin)
    }

    /// The recorded numbers of a frame.
    package func recorded(frame: Int) -> [Double] {
        zip(values[frame * size..<(frame + 1) * size], origin).map { Double($0) + $1 }
    }
}

/// The distance of a component's numbers from 0, and their range.
private struct Spread {
    /// The value to subtract before rounding; nil if none is needed.
    let origin: Double?
    /// Whether the numbers differ only by double-precision rounding.
    let isRounding: Bool

    /// The number of evenly spaced samples used for order statistics.
    private static let sample = 4096
    /// More than a thousand times the spacing of neighboring double-precision numbers: a tolerance for rounding
    /// errors.
    private static let rounding = 0x1p-42

    init(of numbers: [Double], at rows: StrideTo<Int>) {
        var (lowest, highest, isFinite) = (Double.infinity, -Double.infinity, true)
        for row in rows {
            (lowest, highest) = (min(lowest, numbers[row]), max(highest, numbers[row]))
            isFinite = isFinite && numbers[row].isFinite
        }
        guard isFinite, lowest <= highest else {
            (origin, isRounding) = (nil, false)
            return
        }
        let all = Array(rows)
        let step = (all.count + Self.sample - 1) / Self.sample
        let sorted = stride(from: 0, to: all.count, by: step).map { numbers[all[$0]] }.sorted()
        let median = sorted[sorted.count / 2]
        isRounding = highest - lowest <= Self.rounding * max(abs(lowest), abs(highest))
        if isRounding {
            origin = Double(Float(median)) == median && lowest == highest ? nil : median
            return
        }
        let cut = sorted.count / 100
        let inner = sorted[sorted.count - 1 - cut] - sorted[cut]
        origin = abs(median) > 64 * (inner > 0 ? inner : highest - lowest) ? median : nil
    }
}
