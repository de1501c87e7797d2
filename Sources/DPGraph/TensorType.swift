/// Shape and precision of a tensor.
package struct TensorType: Hashable, Sendable, CustomStringConvertible {
    /// Extents along each axis.
    package var shape: Shape
    /// Representation of the elements.
    package var precision: Precision

    /// Creates a type, of float32 elements by default.
    package init(_ shape: Shape, _ precision: Precision = .float32) {
        self.shape = shape
        self.precision = precision
    }

    /// A text such as `float32[256, 16, 2]`.
    package var description: String { "\(precision)\(shape)" }
}
