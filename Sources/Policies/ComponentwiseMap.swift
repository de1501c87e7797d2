/// A scale and an offset for each component of a vector: `y = scale · x + offset`.
public struct ComponentwiseMap: Codable, Sendable, Hashable {
    /// The factors, one a component; never 0.
    public private(set) var scale: [Float]
    /// What is added, one a component.
    public private(set) var offset: [Float]

    /// A map from its numbers.
    /// - Precondition: there are as many factors as offsets.
    public init(scale: [Float], offset: [Float]) {
        precondition(scale.count == offset.count, "\(scale.count) factors and \(offset.count) offsets")
        self.scale = scale
        self.offset = offset
    }

    /// How many components the vectors have.
    public var dimension: Int { scale.count }

    /// Maps vectors that lie one after another, `[…, dimension]`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func apply(to values: inout [Float]) {
        transform(&values) { value, scale, offset in scale * value + offset }
    }

    /// Maps vectors that lie one after another back, `x = (y − offset) / scale`.
    /// - Precondition: the number of elements is a multiple of the dimension.
    public func invert(_ values: inout [Float]) {
        transform(&values) { value, scale, offset in (value - offset) / scale }
    }

    private func transform(_ values: inout [Float], _ map: (Float, Float, Float) -> Float) {
        precondition(values.count % dimension == 0, "\(values.count) numbers for vectors of \(dimension)")
        for start in stride(from: 0, to: values.count, by: dimension) {
            for component in 0..<dimension {
                values[start + component] = map(values[start + component], scale[component], offset[component])
            }
        }
    }
}
