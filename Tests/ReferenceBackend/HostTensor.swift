import DPGraph

/// A tensor in an array, outermost axis first.
struct HostTensor {
    let shape: Shape
    var values: [Double]
    /// The two innermost extents, kept because every element access needs them.
    private let middle: Int
    private let inner: Int

    init(_ shape: Shape, _ values: [Double]) {
        precondition(values.count == shape.count, "expected \(shape.count) elements, found \(values.count)")
        self.shape = shape
        self.values = values
        inner = shape.last
        middle = shape.rank < 2 ? 1 : shape[shape.rank - 2]
    }

    /// Creates a tensor of zeros.
    init(zeros shape: Shape) { self.init(shape, [Double](repeating: 0, count: shape.count)) }

    /// The element of a matrix, or of any tensor viewed as rows along its innermost axis.
    subscript(row: Int, column: Int) -> Double {
        get { values[row * inner + column] }
        set { values[row * inner + column] = newValue }
    }

    /// The element of a tensor of three axes.
    subscript(outer: Int, middle: Int, inner: Int) -> Double {
        get { values[(outer * self.middle + middle) * self.inner + inner] }
        set { values[(outer * self.middle + middle) * self.inner + inner] = newValue }
    }

    /// Number of rows along the innermost axis.
    var rows: Int { shape.count / shape.last }

    func map(_ function: (Double) -> Double) -> HostTensor { HostTensor(shape, values.map(function)) }

    /// Returns the numbers rounded to a precision; float64 represents float32.
    func rounded(to precision: Precision) -> HostTensor {
        switch precision {
        case .float32: self
        case .bfloat16: map { Double(roundedToBfloat16(Float($0))) }
        }
    }
}

/// Returns the nearest number whose lower 16 bits are zero, ties to even.
private func roundedToBfloat16(_ value: Float) -> Float {
    guard value.isFinite else { return value }
    let bits = value.bitPattern
    return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
}

// MARK: - Shape

extension HostTensor {
    /// Returns, for each element of a tensor of shape `larger`, the index of the element of this tensor that is
    /// broadcast to it.
    private func sources(in larger: Shape) -> [Int] {
        (0..<larger.count).map { position in
            var rest = position
            var index = 0
            var step = 1
            for axis in larger.dimensions.indices.reversed() {
                let coordinate = rest % larger[axis]
                rest /= larger[axis]
                let mine = axis - (larger.rank - shape.rank)
                guard mine >= 0 else { continue }
                if shape[mine] > 1 { index += coordinate * step }
                step *= shape[mine]
            }
            return index
        }
    }

    func broadcast(to larger: Shape) -> HostTensor { HostTensor(larger, sources(in: larger).map { values[$0] }) }

    func sum(to smaller: Shape) -> HostTensor {
        var total = HostTensor(zeros: smaller)
        for (position, target) in total.sources(in: shape).enumerated() { total.values[target] += values[position] }
        return total
    }

    /// Combines two tensors elementwise, both broadcast to a shape.
    static func combine(
        _ inputs: [HostTensor], _ shape: Shape, _ function: (Double, Double) -> Double
    ) -> HostTensor {
        let sides = inputs.map { $0.broadcast(to: shape).values }
        return HostTensor(shape, zip(sides[0], sides[1]).map(function))
    }

    /// Copies a range of indices along an axis of one tensor to another tensor with the same extents along the
    /// other axes.
    static func copy(
        _ range: Range<Int>, of source: HostTensor, to target: inout HostTensor, at start: Int, axis: Int
    ) {
        let outer = source.shape.dimensions[..<axis].reduce(1, *)
        let inner = source.shape.dimensions[(axis + 1)...].reduce(1, *)
        for position in 0..<outer {
            for (offset, index) in range.enumerated() {
                for element in 0..<inner {
                    target.values[(position * target.shape[axis] + start + offset) * inner + element] =
                        source.values[(position * source.shape[axis] + index) * inner + element]
                }
            }
        }
    }

    static func concatenate(_ tensors: [HostTensor], axis: Int, shape: Shape) -> HostTensor {
        var result = HostTensor(zeros: shape)
        var start = 0
        for tensor in tensors {
            copy(0..<tensor.shape[axis], of: tensor, to: &result, at: start, axis: axis)
            start += tensor.shape[axis]
        }
        return result
    }
}
