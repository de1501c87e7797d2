internal import DPGraph

/// Four nested loops over a shape, with the strides of operands that are broadcast to it.
struct BroadcastLoop {
    /// Extents of the loops, outermost first.
    var extents: [Int]
    /// Strides of each operand; 0 where it repeats.
    var strides: [[Int]]

    /// - Precondition: the shape has at most four axes.
    init(over shape: Shape, _ operands: [Shape]) {
        precondition(shape.rank <= 4, "expected at most four axes, found \(shape)")
        extents = Array(repeating: 1, count: 4 - shape.rank) + shape.dimensions
        strides = operands.map { operand in
            var strides = [Int](repeating: 0, count: 4)
            var step = 1
            for (axis, extent) in zip((0..<4).reversed(), operand.dimensions.reversed()) {
                strides[axis] = extent == 1 ? 0 : step
                step *= extent
            }
            return strides
        }
    }
}
