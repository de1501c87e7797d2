public import TensorGraph

/// An operation that this backend does not compute in a precision.
public struct UnsupportedPrecision: Error, CustomStringConvertible {
    /// The operation.
    public let operation: String
    /// The precision that was asked for.
    public let precision: Precision

    /// What was asked for and what is there.
    public var description: String { "the CPU backend computes \(operation) in float32, not in \(precision)" }
}
