/// The extent of a tensor along each axis, outermost first.
package struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// Extents, outermost axis first; none for a scalar.
    package let dimensions: [Int]

    /// Creates a shape of the given extents.
    /// - Precondition: every extent is positive.
    package init(_ dimensions: [Int]) {
        precondition(dimensions.allSatisfy { $0 > 0 }, "extents must be positive: \(dimensions)")
        self.dimensions = dimensions
    }

    /// Creates a shape from a list of extents.
    package init(arrayLiteral elements: Int...) { self.init(elements) }

    /// Number of axes.
    package var rank: Int { dimensions.count }

    /// Number of elements.
    package var count: Int { dimensions.reduce(1, *) }

    /// Extent of the innermost axis, 1 for a scalar.
    package var last: Int { dimensions.last ?? 1 }

    /// Returns the extent along an axis.
    package subscript(axis: Int) -> Int { dimensions[axis] }

    /// Returns the shape with another extent along one axis.
    package func replacing(axis: Int, with extent: Int) -> Shape {
        var dimensions = dimensions
        dimensions[axis] = extent
        return Shape(dimensions)
    }

    /// Returns the common shape of two tensors in an elementwise operation, by NumPy's broadcasting rule; nil if
    /// there is none.
    package func broadcast(with other: Shape) -> Shape? {
        let rank = max(rank, other.rank)
        var result: [Int] = []
        for axis in 0..<rank {
            let mine = axis - (rank - self.rank)
            let theirs = axis - (rank - other.rank)
            let a = mine < 0 ? 1 : self[mine]
            let b = theirs < 0 ? 1 : other[theirs]
            guard a == b || a == 1 || b == 1 else { return nil }
            result.append(max(a, b))
        }
        return Shape(result)
    }

    /// Extents in brackets, as in `[256, 16, 2]`.
    package var description: String { "\(dimensions)" }
}
