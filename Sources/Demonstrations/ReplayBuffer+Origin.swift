extension ReplayBuffer.Field {
    /// A quantity recorded in double precision or in whole numbers, each column without an origin of its own where single precision would lose
    /// what changes in it: map coordinates, encoder counts, time stamps.
    ///
    /// Single precision keeps 24 bits. A column whose numbers are more than 64 times as large as what 98 % of them span gets its median as
    /// origin, which is subtracted in double precision; what then varies has all 24 bits. A column that varies by no more than the rounding of double precision
    /// stays at its median.
    public init(_ name: String, shape: [Int], doubles: [Double]) {
        let width = shape.reduce(1, *)
        var values = doubles.map(Float.init)
        var origin = [Double](repeating: 0, count: width)
        for column in 0..<width {
            let rows = stride(from: column, to: doubles.count, by: width)
            let spread = Spread(of: doubles, at: rows)
            guard let middle = spread.origin else { continue }
            origin[column] = middle
            for index in rows { values[index] = spread.isRounding ? 0 : Float(doubles[index] - middle) }
        }
        self.init(name, shape: shape, values: values, origin: origin)
    }

    /// The numbers of a frame as they were recorded.
    public func recorded(frame: Int) -> [Double] {
        zip(values[frame * width..<(frame + 1) * width], origin).map { Double($0) + $1 }
    }
}

/// How far the numbers of a column lie from 0, and how far apart.
private struct Spread {
    /// What has to be subtracted before the numbers are rounded; nil where nothing has to.
    let origin: Double?
    /// Whether they differ by no more than rounding in double precision.
    let isRounding: Bool

    /// How many numbers, evenly spread, stand for all where order counts.
    private static let sample = 4096
    /// More than a thousand times the distance of neighboring numbers, which computations may lose.
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
