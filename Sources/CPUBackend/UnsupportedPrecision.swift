public import TensorGraph

/// A precision in which this process cannot multiply.
public struct UnsupportedPrecision: Error, Equatable, CustomStringConvertible {
    /// The precision that was asked for.
    public let precision: Precision
    /// The instructions that there are.
    public let instructions: InstructionSet

    /// A precision and instructions that do not go together.
    public init(precision: Precision, instructions: InstructionSet) {
        self.precision = precision
        self.instructions = instructions
    }

    /// What was asked for, what is there and what to do.
    public var description: String {
        """
        products in \(precision) need the instructions \(InstructionSet.avx512BFloat16.rawValue), found \(instructions.rawValue): \
        ask for float32, or for no precision to have the best that there is
        """
    }
}
