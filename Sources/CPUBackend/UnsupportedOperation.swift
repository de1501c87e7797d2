/// An operation that this backend does not compute.
public struct UnsupportedOperation: Error, CustomStringConvertible {
    /// The operation.
    public let operation: String

    /// What was asked for.
    public var description: String { "the CPU backend does not compute \(operation)" }
}
