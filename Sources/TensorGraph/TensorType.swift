/// Shape and precision of a tensor.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
    /// Extents along each axis.
    public var shape: Shape
    /// Representation of the elements.
    public var precision: Precision

    /// A type of float32 elements unless said otherwise.
    public init(_ shape: Shape, _ precision: Precision = .float32) {
        self.shape = shape
        self.precision = precision
    }

    /// As in `float32[256, 16, 2]`.
    public var description: String { "\(precision)\(shape)" }
}
