/// The measurement of one instruction of an executable in one run.
package struct InstructionProfile: Sendable {
    /// The name of the operation, such as `convolution`; several instructions may have the same name.
    package let name: String
    /// The elapsed time.
    package let seconds: Double
    /// Multiplications and additions of products, including those with the zeros around a sequence; 0 for other
    /// operations.
    package let floatingPointOperations: Int
    /// Bytes of the tensors that it reads and writes, each counted once.
    package let byteCount: Int
}
